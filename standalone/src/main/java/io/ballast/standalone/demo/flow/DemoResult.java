package io.ballast.standalone.demo.flow;

import io.ballast.standalone.demo.mesh.RunName;
import io.ballast.standalone.demo.mesh.RunOutcome;
import io.ballast.standalone.demo.mesh.VerifiedCertificate;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Everything that the demo found.
 *
 * @param wallSeconds from the start of the command
 * @param versionBefore that served at the start
 * @param versionAfter that is compared with it: the constrained run's candidate, promoted or not
 * @param versionServing that serves at the end
 * @param certificate of the constrained candidate, computed anew; empty unless it passed
 */
public record DemoResult(
    DemoPlan plan,
    double wallSeconds,
    String versionBefore,
    String versionAfter,
    String versionServing,
    FirstSuggestions first,
    List<RankingRow> ranking,
    Map<RunName, RunOutcome> runs,
    Optional<VerifiedCertificate> certificate,
    ComparisonResult comparison) {
  public DemoResult {
    ranking = List.copyOf(ranking);
    runs = Map.copyOf(runs);
  }

  /** Returns the outcome of {@code run}. */
  public RunOutcome run(RunName run) {
    RunOutcome outcome = runs.get(run);
    if (outcome == null) {
      throw new IllegalArgumentException(run + ": not among the runs");
    }
    return outcome;
  }
}
