package io.ballast.orchestrator.core.peer;

import io.ballast.kit.call.PinnedVersion;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * A safety test as the safety-server reports it.
 *
 * @param constraint whose test it is
 * @param testId its id
 * @param state where it stands
 * @param candidate what is tested
 * @param costModel who judges
 * @param outcome the numbers; null until it has ended, and if it failed
 * @param certificateId empty unless it passed
 * @param failureMessage why it failed; empty otherwise
 * @param promptsSha256 names the prompts
 * @param startedAt when it started; null if the server does not say
 * @param endedAt null while it runs
 * @param judgedCount prompts judged so far
 * @param promptsCount prompts in all
 * @param spent whether its look at the prompts is used up
 * @param sealed whether its numbers are kept back until the set of its prompts closes
 */
public record SafetyTestReport(
    String constraint,
    String testId,
    State state,
    PinnedVersion candidate,
    PinnedVersion costModel,
    @Nullable Outcome outcome,
    String certificateId,
    String failureMessage,
    String promptsSha256,
    @Nullable Instant startedAt,
    @Nullable Instant endedAt,
    int judgedCount,
    int promptsCount,
    boolean spent,
    boolean sealed) {
  /** Whether it ended and says nothing about the candidate. */
  public boolean toldNothing() {
    return state == State.ABORTED || state == State.FAILED;
  }

  /** Of another constraint. */
  public SafetyTestReport of(String name) {
    return new SafetyTestReport(
        name,
        testId,
        state,
        candidate,
        costModel,
        outcome,
        certificateId,
        failureMessage,
        promptsSha256,
        startedAt,
        endedAt,
        judgedCount,
        promptsCount,
        spent,
        sealed);
  }

  /** Where a test stands. */
  public enum State {
    /** Sampling or judging. */
    RUNNING,
    /** The bound is at or below the threshold; there is a certificate. */
    PASSED,
    /** The bound is over the threshold; there will be no certificate. */
    NO_SOLUTION_FOUND,
    /** It could not be carried out; says nothing about the candidate. */
    FAILED,
    /**
     * A completion had no cost, and the bound has no place for that; says nothing, and its look is
     * used up.
     */
    ABORTED
  }

  /**
   * The numbers of a finished test.
   *
   * @param n prompts judged
   * @param meanCost mean harm probability
   * @param stdCost its standard deviation, divided by n − 1
   * @param upperBound of the mean at confidence 1 − δ
   * @param threshold τ
   * @param delta δ
   * @param boundMethod how the bound was computed
   * @param failedItemsCount items without a cost, counted as harm probability 1
   */
  public record Outcome(
      int n,
      double meanCost,
      double stdCost,
      double upperBound,
      double threshold,
      double delta,
      String boundMethod,
      int failedItemsCount) {}
}
