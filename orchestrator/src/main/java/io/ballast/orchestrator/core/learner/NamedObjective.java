package io.ballast.orchestrator.core.learner;

import io.ballast.orchestrator.core.Faults;
import io.ballast.rl.objective.LossAggregation;
import io.ballast.rl.regulariser.KlEstimator;

/**
 * An objective by name with its parameters.
 *
 * @param kind which
 * @param clipLow ε below 1, above 0, below 1; read by PPO_CLIP and GSPO
 * @param clipHigh ε above 1, above 0; read by PPO_CLIP and GSPO
 * @param beta DPO's β, above 0
 * @param klCoefficient of KL(π ‖ π_ref) in the loss, at least 0
 * @param klEstimator how that KL is estimated
 * @param entropyCoefficient of the entropy bonus, at least 0
 * @param aggregation how token terms become one loss; not CONSTANT_DIVISOR
 */
public record NamedObjective(
    ObjectiveKind kind,
    double clipLow,
    double clipHigh,
    double beta,
    double klCoefficient,
    KlEstimator klEstimator,
    double entropyCoefficient,
    LossAggregation aggregation) {
  private static final double PPO_CLIP = 0.2;
  private static final double GSPO_LOW = 3e-4;
  private static final double GSPO_HIGH = 4e-4;
  private static final double DPO_BETA = 0.1;

  /** Checks the ranges above; a failure is MALFORMED_REQUEST and names the field. */
  public NamedObjective {
    require(clipLow > 0 && clipLow < 1, "clip_low", clipLow, "> 0 and < 1");
    require(clipHigh > 0, "clip_high", clipHigh, "> 0");
    require(beta > 0, "beta", beta, "> 0");
    require(klCoefficient >= 0, "kl_coefficient", klCoefficient, "≥ 0");
    require(entropyCoefficient >= 0, "entropy_coefficient", entropyCoefficient, "≥ 0");
  }

  /** What holds for {@code kind} where a caller says nothing. */
  public static NamedObjective of(ObjectiveKind kind) {
    boolean gspo = kind == ObjectiveKind.GSPO;
    return new NamedObjective(
        kind,
        gspo ? GSPO_LOW : PPO_CLIP,
        gspo ? GSPO_HIGH : PPO_CLIP,
        DPO_BETA,
        0,
        KlEstimator.K3,
        0,
        LossAggregation.SEQUENCE_MEAN_TOKEN_MEAN);
  }

  /** Returns a copy with another clip range. */
  public NamedObjective withClip(double low, double high) {
    return new NamedObjective(
        kind, low, high, beta, klCoefficient, klEstimator, entropyCoefficient, aggregation);
  }

  /** Returns a copy with another β of DPO. */
  public NamedObjective withBeta(double value) {
    return new NamedObjective(
        kind,
        clipLow,
        clipHigh,
        value,
        klCoefficient,
        klEstimator,
        entropyCoefficient,
        aggregation);
  }

  /** Returns a copy with another KL penalty. */
  public NamedObjective withKl(double coefficient, KlEstimator estimator) {
    return new NamedObjective(
        kind, clipLow, clipHigh, beta, coefficient, estimator, entropyCoefficient, aggregation);
  }

  /** Returns a copy with another entropy bonus. */
  public NamedObjective withEntropy(double coefficient) {
    return new NamedObjective(
        kind, clipLow, clipHigh, beta, klCoefficient, klEstimator, coefficient, aggregation);
  }

  /** Returns a copy with another aggregation. */
  public NamedObjective withAggregation(LossAggregation value) {
    return new NamedObjective(
        kind, clipLow, clipHigh, beta, klCoefficient, klEstimator, entropyCoefficient, value);
  }

  /** Whether the loss reads log-probabilities under the reference. */
  boolean needsReference() {
    return klCoefficient > 0 || kind == ObjectiveKind.DPO;
  }

  /** Whether the loss reads advantages. */
  boolean needsAdvantages() {
    return switch (kind) {
      case POLICY_GRADIENT, PPO_CLIP, GSPO -> true;
      case DPO, CROSS_ENTROPY -> false;
    };
  }

  private static void require(boolean holds, String field, double value, String expected) {
    if (!holds || !Double.isFinite(value)) {
      throw Faults.malformed("objective." + field, value + " (expected: " + expected + ")");
    }
  }
}
