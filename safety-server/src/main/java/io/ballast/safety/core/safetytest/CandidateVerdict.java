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
 * @param certificate the one that holds; with VOID, EXPIRED and REVOKED one that does not
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
    /** No certificate that holds, and the last test that was carried out found no solution. */
    NO_SOLUTION_FOUND,
    /** No certificate that holds, and a test is running. */
    RUNNING,
    /** Tests failed or were aborted, and none was carried out. */
    UNDECIDED,
    /** There are certificates, and none holds for this folder and alias. */
    VOID,
    /** A certificate was revoked, and no other holds. */
    REVOKED,
    /** There are certificates, and the newest has expired. */
    EXPIRED,
    /** It was never tested. */
    UNTESTED
  }
}
