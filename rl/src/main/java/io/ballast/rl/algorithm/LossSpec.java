package io.ballast.rl.algorithm;

import io.ballast.rl.check.Require;
import io.ballast.rl.objective.Aggregation;
import io.ballast.rl.objective.Objective;
import io.ballast.rl.regulariser.EntropyBonus;
import io.ballast.rl.regulariser.KlEstimator;
import io.ballast.rl.regulariser.KlPenalty;

/**
 * A loss as data: an objective by name with its numbers, and what regularises it.
 *
 * @param kind which
 * @param knobs those of {@code kind}; what is not given has its default
 * @param aggregation how token terms become one loss; not read by losses of whole completions
 * @param klCoefficient of KL(π ‖ π_ref) in the loss, ≥ 0
 * @param klEstimator how that KL is estimated
 * @param entropyCoefficient of the entropy bonus, ≥ 0
 */
public record LossSpec(
    ObjectiveKind kind,
    Knobs knobs,
    Aggregation aggregation,
    double klCoefficient,
    KlEstimator klEstimator,
    double entropyCoefficient) {
  /** Checks the ranges above and fills in what {@code knobs} leaves out. */
  public LossSpec {
    for (Knob knob : knobs.values().keySet()) {
      if (!kind.facts().knobs().values().containsKey(knob)) {
        throw new IllegalArgumentException(
            "%s: beside %s (expected: absent; it reads %s)"
                .formatted(
                    knob.key(),
                    kind,
                    kind.facts().knobs().values().isEmpty()
                        ? "none"
                        : String.join(
                            ", ",
                            kind.facts().knobs().values().keySet().stream()
                                .map(Knob::key)
                                .toList())));
      }
    }
    knobs = knobs.over(kind.facts().knobs());
    Require.notNegative(klCoefficient, "kl_coefficient");
    Require.notNegative(entropyCoefficient, "entropy_coefficient");
  }

  /** What holds for {@code kind} where a caller says nothing. */
  public static LossSpec of(ObjectiveKind kind) {
    return new LossSpec(
        kind, Knobs.none(), Aggregation.sequenceMeanTokenMean(), 0, KlEstimator.K3, 0);
  }

  /** Returns a copy with another value of one of the kind's knobs. */
  public LossSpec with(Knob knob, double value) {
    return new LossSpec(
        kind, knobs.with(knob, value), aggregation, klCoefficient, klEstimator, entropyCoefficient);
  }

  /** Returns a copy with another KL penalty. */
  public LossSpec withKl(double coefficient, KlEstimator estimator) {
    return new LossSpec(kind, knobs, aggregation, coefficient, estimator, entropyCoefficient);
  }

  /** Returns a copy with another entropy bonus. */
  public LossSpec withEntropy(double coefficient) {
    return new LossSpec(kind, knobs, aggregation, klCoefficient, klEstimator, coefficient);
  }

  /** Returns a copy with another aggregation. */
  public LossSpec withAggregation(Aggregation value) {
    return new LossSpec(kind, knobs, value, klCoefficient, klEstimator, entropyCoefficient);
  }

  /** The loss itself. */
  public Objective objective() {
    Objective objective = kind.objective(knobs, aggregation);
    if (klCoefficient > 0) {
      objective = objective.plus(1, new KlPenalty(klCoefficient, klEstimator, aggregation));
    }
    if (entropyCoefficient > 0) {
      objective = objective.plus(1, new EntropyBonus(entropyCoefficient, aggregation));
    }
    return objective;
  }
}
