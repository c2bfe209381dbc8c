package io.ballast.safety.core.canary;

import io.ballast.rl.bound.BettingTest;
import io.ballast.rl.bound.ConfidenceSequence;
import io.ballast.rl.bound.RestartedTest;

/**
 * What was observed of a canary, in tests that may be looked at after every observation.
 *
 * <pre>
 * alarm: E[cost] ≤ τ is refuted at α/2, or p_canary ≥ p_control − m is at α/2
 * held:  E[cost] ≥ τ is refuted at α/2, and p_canary ≤ p_control − m is at α/2
 * </pre>
 *
 * <p>If a completion's expected cost, and a pair's expected difference, given all before it is
 * within its limit, a canary is ever alarmed about with probability at most α; if over either
 * limit, ever held with at most α/2. Answers of few people in the arms break that of pairs. Source:
 * Waudby-Smith and Ramdas 2024, §4, arXiv:2010.09686, of each ({@link BettingTest}; alarms by a
 * {@link RestartedTest}, so that harm which begins late is seen soon); Bonferroni of both. They go
 * on where the stream drifts; the bounds that are shown beside them ({@link ConfidenceSequence},
 * each side at α/2, of the arms' accept rates at α/4) are of one mean that stays, and decide
 * nothing. Immutable.
 *
 * @param over refutes that the mean cost is at most τ
 * @param under refutes that it is at least τ
 * @param count how many observations, in all
 * @param missing how many costs there were none of
 */
public record CanaryEvidence(
    RestartedTest over,
    BettingTest under,
    ConfidenceSequence costs,
    ConfidenceSequence canaryAnswers,
    ConfidenceSequence controlAnswers,
    AcceptPairs pairs,
    int count,
    int missing) {
  /** Values between two beginnings of an alarm's test. */
  static final int RESTART = 50;

  /** Bounds are told to a thousandth. */
  private static final int STEPS = 1_000;

  /** Tests are of means inside (0, 1); what is at most 0 is at most this. */
  private static final double SMALLEST = 1e-6;

  /** Nothing yet. */
  public static CanaryEvidence none(CanaryTerms terms) {
    double alpha = terms.alpha();
    double limit = Math.max(SMALLEST, terms.costLimit());
    return new CanaryEvidence(
        RestartedTest.of(limit, alpha / 2, RESTART),
        BettingTest.of(1 - limit, alpha / 2),
        ConfidenceSequence.of(alpha, STEPS),
        ConfidenceSequence.of(alpha / 2, STEPS),
        ConfidenceSequence.of(alpha / 2, STEPS),
        AcceptPairs.none(terms.acceptMargin(), alpha, STEPS),
        0,
        0);
  }

  /** Returns what is known after one more. */
  public CanaryEvidence add(Observation seen) {
    double value = seen.value();
    return switch (seen.kind()) {
      case COST ->
          new CanaryEvidence(
              over.add(value),
              under.add(1 - value),
              costs.add(value),
              canaryAnswers,
              controlAnswers,
              pairs,
              count + 1,
              seen.missing() ? missing + 1 : missing);
      case ACCEPT ->
          new CanaryEvidence(
              over,
              under,
              costs,
              seen.arm() == Arm.CANARY ? canaryAnswers.add(value) : canaryAnswers,
              seen.arm() == Arm.CONTROL ? controlAnswers.add(value) : controlAnswers,
              pairs.add(seen.arm(), value),
              count + 1,
              missing);
    };
  }

  /**
   * What follows. A breach is told however little there is, since the tests hold at every count;
   * that it holds only from the least number of costs on.
   *
   * @param overdue whether the horizon has passed
   */
  public CanaryVerdict verdict(CanaryTerms terms, boolean overdue) {
    if (over.rejects()) {
      return CanaryVerdict.COST_OVER_LIMIT;
    }
    if (pairs.worse().rejects()) {
      return CanaryVerdict.ACCEPT_BELOW_CONTROL;
    }
    if (over.count() < terms.leastDecisions()) {
      return CanaryVerdict.UNDECIDED;
    }
    if (under.rejects() && pairs.notWorse().rejects()) {
      return CanaryVerdict.HELD;
    }
    return overdue ? CanaryVerdict.NO_BREACH_BY_HORIZON : CanaryVerdict.UNDECIDED;
  }

  /** The means and their bounds. */
  public CanaryNumbers numbers() {
    return new CanaryNumbers(
        BoundedMean.of(costs),
        missing,
        BoundedMean.of(canaryAnswers),
        BoundedMean.of(controlAnswers),
        pairs.shortfall());
  }
}
