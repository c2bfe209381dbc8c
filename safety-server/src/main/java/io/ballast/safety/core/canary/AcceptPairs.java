package io.ballast.safety.core.canary;

import io.ballast.rl.bound.BettingTest;
import io.ballast.rl.bound.ConfidenceSequence;
import io.ballast.rl.bound.RestartedTest;
import java.util.ArrayList;
import java.util.List;

/**
 * Compares the answers of two arms in pairs, each of one of the canary and one of the control that
 * stand close to each other in the log, so that what changes for both at once, such as the time of
 * day, changes nothing.
 *
 * <pre>
 * d = (1 + control − canary)/2 in {0, ½, 1}
 * alarm: E[d] ≤ (1 + m)/2 is refuted;  held: E[d] ≥ (1 + m)/2 is, i.e. E[1 − d] ≤ (1 − m)/2
 * </pre>
 *
 * <p>By a {@link RestartedTest} and a {@link BettingTest}, each at α/2. An answer waits for one of
 * the other arm, the latest first and at most 4 of them, however long: where one arm is silent for
 * hours, that many pairs may be of different times. Which are paired depends on their order, never
 * on what they say. Immutable.
 *
 * @param waiting the answers that have no partner, the oldest first: all of one arm
 * @param of which arm that is
 * @param worse refutes that the canary falls short by at most m
 * @param notWorse refutes that it does by at least m
 * @param gap bounds of E[d]
 */
record AcceptPairs(
    List<Double> waiting,
    Arm of,
    RestartedTest worse,
    BettingTest notWorse,
    ConfidenceSequence gap) {
  private static final int MOST_WAITING = 4;

  AcceptPairs {
    waiting = List.copyOf(waiting);
  }

  /**
   * None yet.
   *
   * @param margin m, 0 to below 1
   * @param alpha α, above 0, below 1
   * @param steps of the grid of bounds
   */
  static AcceptPairs none(double margin, double alpha, int steps) {
    return new AcceptPairs(
        List.of(),
        Arm.CONTROL,
        RestartedTest.of((1 + margin) / 2, alpha / 2, CanaryEvidence.RESTART),
        BettingTest.of((1 - margin) / 2, alpha / 2),
        ConfidenceSequence.of(alpha, steps));
  }

  /**
   * Returns the state after an answer.
   *
   * @param answer 1 if it was taken, else 0
   */
  AcceptPairs add(Arm arm, double answer) {
    if (waiting.isEmpty() || arm == of) {
      List<Double> more = new ArrayList<>(waiting);
      more.add(answer);
      int dropped = Math.max(0, more.size() - MOST_WAITING);
      return new AcceptPairs(more.subList(dropped, more.size()), arm, worse, notWorse, gap);
    }
    double other = waiting.getLast();
    double d = arm == Arm.CANARY ? (1 + other - answer) / 2 : (1 + answer - other) / 2;
    return new AcceptPairs(
        waiting.subList(0, waiting.size() - 1), of, worse.add(d), notWorse.add(1 - d), gap.add(d));
  }

  /** How far the canary falls short of the control, −1 to 1. */
  BoundedMean shortfall() {
    BoundedMean d = BoundedMean.of(gap);
    return new BoundedMean(
        d.count(), d.count() == 0 ? 0 : 2 * d.mean() - 1, 2 * d.lower() - 1, 2 * d.upper() - 1);
  }
}
