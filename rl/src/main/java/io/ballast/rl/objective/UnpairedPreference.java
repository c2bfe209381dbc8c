package io.ballast.rl.objective;

import io.ballast.rl.check.Require;
import io.ballast.rl.sample.Batch;
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
 * lr = log π(y) − log π_anchor(y),  z = max(0, mean lr of the calibration completions)
 * ℓ = λ_D·(1 − σ(β(lr − z)))  if desirable
 * ℓ = λ_U·(1 − σ(β(z − lr)))  if undesirable
 * L = mean over both kinds
 * </pre>
 *
 * <p>Source: Ethayarajh et al. 2024 (KTO), arXiv:2402.01306. z estimates KL(π ‖ π_ref) from {@code
 * CALIBRATION} completions, which are completions of <em>other</em> prompts in the batch; it is a
 * constant for the gradient, and 0 without any. Completions in other roles are left alone.
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

  /**
   * {@inheritDoc}
   *
   * @throws IllegalArgumentException also if no completion is desirable or undesirable
   */
  @Override
  public ObjectiveResult evaluate(Batch batch) {
    List<Sample> samples = batch.samples();
    double baseline = baseline(samples);
    long rated = samples.stream().filter(sample -> sign(sample) != 0).count();
    if (rated == 0) {
      throw new IllegalArgumentException(
          "batch: no sample is DESIRABLE or UNDESIRABLE (expected: at least one)");
    }
    ObjectiveResult.Builder result = ObjectiveResult.builder(batch);
    for (int i = 0; i < samples.size(); i++) {
      Sample sample = samples.get(i);
      int sign = sign(sample);
      if (sign == 0) {
        continue;
      }
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

  private double baseline(List<Sample> samples) {
    return Math.max(
        0,
        samples.stream()
            .filter(sample -> sample.role() == SampleRole.CALIBRATION)
            .mapToDouble(anchor::logRatio)
            .average()
            .orElse(0));
  }

  /** +1 for a desirable completion, −1 for an undesirable one, 0 for any other. */
  private static int sign(Sample sample) {
    return switch (sample.role()) {
      case DESIRABLE -> 1;
      case UNDESIRABLE -> -1;
      case ROLLOUT, CHOSEN, REJECTED, CALIBRATION, DEMONSTRATION, REFINEMENT -> 0;
    };
  }
}
