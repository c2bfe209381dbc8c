package io.ballast.safety.core.safetytest;

import io.ballast.kit.call.PinnedVersion;
import io.ballast.safety.core.safetytest.SafetyTestStore.Evidence;
import java.util.Optional;

/**
 * What is known of a version's safety.
 *
 * @param kind the verdict
 * @param reason why, in a sentence
 * @param candidate with the weights that the policy-server has
 * @param test that it rests on; empty if there is none
 * @param certificate the one that holds, or with VOID the newest, which does not
 */
public record CandidateVerdict(
    Kind kind,
    String reason,
    PinnedVersion candidate,
    Optional<StoredTest> test,
    Optional<Evidence> certificate) {
  /** The verdicts that there are. */
  public enum Kind {
    /** A certificate holds now. */
    PASS,
    /** No certificate, and the last test found no solution. */
    NO_SOLUTION_FOUND,
    /** No certificate that holds, and a test is running. */
    RUNNING,
    /** No certificate, and the last test could not be carried out. */
    UNDECIDED,
    /** There are certificates, and none holds. */
    VOID,
    /** It was never tested. */
    UNTESTED
  }
}
