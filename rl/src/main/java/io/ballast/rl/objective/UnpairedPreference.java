package io.ballast.rl.objective;

import io.ballast.rl.check.Require;
import io.ballast.rl.sample.Batch;
import io.ballast.rl.sample.Group;
import io.ballast.rl.sample.PerSequenceName;
import io.ballast.rl.sample.PerTokenName;
import io.ballast.rl.sample.Sample;
import io.ballast.rl.sample.SampleRole;
import io.ballast.rl.stats.Logistic;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/**
 * KTO: learns from completions that are good or bad by themselves, as accepted and rejected
 * suggestions are.
 *
 * <pre>
 * lr = log π(y) − log π_anchor(y),  z = max(0, baseline)
 * ℓ = λ_D·(1 − σ(β(lr − z)))  if desirable
 * ℓ = λ_U·(1 − σ(β(z − lr)))  if undesirable
 * L = mean over the completions of both kinds
 * </pre>
 *
 * <p>Source: Ethayarajh et al. 2024 (KTO), arXiv:2402.01306. z estimates KL(π ‖ π_ref) and is a
 * constant for the gradient. A completion may bring it as its {@code PREFERENCE_BASELINE};
 * otherwise it is the mean lr of the {@code CALIBRATION} completions, which are completions of
 * <em>other</em> prompts in the batch, and 0 without any. Group by group the loss can only be
 * computed where completions bring it: {@link #baseline} says it of a whole batch. Completions in
 * other roles are left alone, and so are those that are masked throughout.
 *
 * @param beta β &gt; 0
 * @param desirableWeight λ_D ≥ 0
 * @param undesirableWeight λ_U ≥ 0
 * @param anchor whom log-probabilities are measured against
 */
public record UnpairedPreference(
    double beta, double desirableWeight, double undesirableWeight, Anchor anchor)
    implements Objective {
  /** Checks the ranges above. */
  public UnpairedPreference {
    Require.positive(beta, "beta");
    Require.notNegative(desirableWeight, "desirableWeight");
    Require.notNegative(undesirableWeight, "undesirableWeight");
  }

  /** KTO against the reference, good and bad completions weighing the same. */
  public static UnpairedPreference kto(double beta) {
    return new UnpairedPreference(beta, 1, 1, Anchor.reference());
  }

  @Override
  public Set<PerTokenName> requires() {
    Set<PerTokenName> names = EnumSet.of(PerTokenName.CURRENT_LOG_PROB);
    names.addAll(anchor.requires());
    return names;
  }

  @Override
  public MeanOver meanOver() {
    return MeanOver.COMPLETIONS;
  }

  @Override
  public double countIn(Group group) {
    return group.samples().stream().filter(UnpairedPreference::isRated).count();
  }

  /**
   * {@inheritDoc}
   *
   * @throws IllegalArgumentException also if no completion is desirable or undesirable
   */
  @Override
  public ObjectiveResult evaluate(Batch batch) {
    List<Sample> samples = batch.samples();
    double ofBatch = baseline(batch);
    long rated = samples.stream().filter(UnpairedPreference::isRated).count();
    if (rated == 0) {
      throw new IllegalArgumentException(
          "batch: no unmasked sample is DESIRABLE or UNDESIRABLE (expected: at least one)");
    }
    ObjectiveResult.Builder result = ObjectiveResult.builder(batch);
    for (int i = 0; i < samples.size(); i++) {
      Sample sample = samples.get(i);
      if (!isRated(sample)) {
        continue;
      }
      int sign = sign(sample);
      double baseline =
          Math.max(
              0, sample.perSequence().getOrDefault(PerSequenceName.PREFERENCE_BASELINE, ofBatch));
      double weight = (sign > 0 ? desirableWeight : undesirableWeight) / (double) rated;
      double x = sign * beta * (anchor.logRatio(sample) - baseline);
      double liked = Logistic.sigmoid(x);
      double disliked = Logistic.sigmoid(-x);
      result.addValue(weight * disliked);
      double slope = -weight * sign * beta * liked * disliked;
      for (int t = 0; t < sample.size(); t++) {
        result.addGradient(i, PerTokenName.CURRENT_LOG_PROB, t, slope * sample.lossMask(t));
      }
    }
    return result.build();
  }

  /**
   * Returns z of {@code batch}: the mean lr of its unmasked {@code CALIBRATION} completions, nats,
   * at least 0, and 0 without any.
   */
  public double baseline(Batch batch) {
    return Math.max(
        0,
        batch.samples().stream()
            .filter(sample -> sample.role() == SampleRole.CALIBRATION && sample.maskedTokens() > 0)
            .mapToDouble(anchor::logRatio)
            .average()
            .orElse(0));
  }

  private static boolean isRated(Sample sample) {
    return sign(sample) != 0 && sample.maskedTokens() > 0;
  }

  /** +1 for a desirable completion, −1 for an undesirable one, 0 for any other. */
  private static int sign(Sample sample) {
    return switch (sample.role()) {
      case DESIRABLE -> 1;
      case UNDESIRABLE -> -1;
      case ROLLOUT,
          CHOSEN,
          REJECTED,
          CALIBRATION,
          BASELINE,
          REFERENCE_ROLLOUT,
          DEMONSTRATION,
          REFINEMENT ->
          0;
    };
  }
}
