package io.ballast.standalone.demo.mesh;

import java.util.List;
import java.util.Optional;

/**
 * A run that has ended with a candidate.
 *
 * @param version of the candidate
 * @param weightsSha256 of the candidate
 * @param test empty if it ended before a test
 * @param certificateId empty unless the test was passed
 * @param earlyStop why it stopped before its last iteration; empty if it did not
 * @param message why it is where it is; may be empty
 */
public record RunOutcome(
    RunName name,
    String runId,
    Decision decision,
    String version,
    String weightsSha256,
    Optional<TestNumbers> test,
    String certificateId,
    String earlyStop,
    String message,
    List<Iteration> iterations) {
  public RunOutcome {
    iterations = List.copyOf(iterations);
  }
}
