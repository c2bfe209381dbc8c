package io.ballast.rl.objective;

import io.ballast.rl.check.Require;
import io.ballast.rl.sample.Batch;
import io.ballast.rl.sample.Group;
import io.ballast.rl.sample.PerTokenName;
import io.ballast.rl.sample.Sample;
import io.ballast.rl.sample.SampleRole;
import io.ballast.rl.stats.Logistic;
import java.util.EnumSet;
import java.util.Set;

/**
 * Losses on pairs: DPO, cDPO, rDPO, IPO, SLiC, INPO.
 *
 * <pre>
 * h = lr(chosen) − lr(rejected),  lr(y) = log π(y) − log π_anchor(y), summed over tokens
 * L = mean over groups of ℓ(h)
 * </pre>
 *
 * <p>Sources: DPO, Rafailov et al. 2023, eq. 7, arXiv:2305.18290; IPO, Azar et al. 2023,
 * arXiv:2310.12036 (its summed form; TRL averages over the length instead: {@code perToken}); cDPO,
 * Mitchell 2023; rDPO, Chowdhury et al. 2024, arXiv:2403.00409; SLiC, Zhao et al. 2023,
 * arXiv:2305.10425; INPO is {@link PairLoss#SQUARED} with β = η and {@link Anchor#iterativeNash}.
 *
 * <p>Each group needs exactly one {@link SampleRole#CHOSEN} and one {@link SampleRole#REJECTED}
 * completion; others are left alone.
 *
 * @param loss what is made of the margin
 * @param beta β &gt; 0
 * @param flipRate ε of the conservative and the robust loss, ≥ 0, below ½; not read by the others
 * @param anchor whom log-probabilities are measured against
 * @param perToken whether lr is divided by the number of unmasked tokens
 */
public record PairwisePreference(
    PairLoss loss, double beta, double flipRate, Anchor anchor, boolean perToken)
    implements Objective {
  /** Checks the ranges above. */
  public PairwisePreference {
    Require.positive(beta, "beta");
    if (!(flipRate >= 0 && flipRate < 0.5)) {
      throw new IllegalArgumentException("flipRate: " + flipRate + " (expected: >= 0, below 0.5)");
    }
  }

  /** DPO against the reference. */
  public static PairwisePreference dpo(double beta) {
    return new PairwisePreference(PairLoss.LOGISTIC, beta, 0, Anchor.reference(), false);
  }

  /** cDPO against the reference, with a share {@code flipRate} of wrong labels. */
  public static PairwisePreference conservativeDpo(double beta, double flipRate) {
    return new PairwisePreference(PairLoss.CONSERVATIVE, beta, flipRate, Anchor.reference(), false);
  }

  /** rDPO against the reference, with a known share {@code flipRate} of wrong labels. */
  public static PairwisePreference robustDpo(double beta, double flipRate) {
    return new PairwisePreference(PairLoss.ROBUST, beta, flipRate, Anchor.reference(), false);
  }

  /** IPO against the reference. */
  public static PairwisePreference ipo(double beta) {
    return new PairwisePreference(PairLoss.SQUARED, beta, 0, Anchor.reference(), false);
  }

  /** INPO with game regularisation {@code tau} and inverse step size {@code eta}. */
  public static PairwisePreference iterativeNash(double tau, double eta) {
    return new PairwisePreference(PairLoss.SQUARED, eta, 0, Anchor.iterativeNash(tau, eta), false);
  }

  @Override
  public Set<PerTokenName> requires() {
    Set<PerTokenName> names = EnumSet.of(PerTokenName.CURRENT_LOG_PROB);
    names.addAll(anchor.requires());
    return names;
  }

  @Override
  public ObjectiveResult evaluate(Batch batch) {
    ObjectiveResult.Builder result = ObjectiveResult.builder(batch);
    double pairs = batch.groups().size();
    int offset = 0;
    double margins = 0;
    double right = 0;
    for (Group group : batch.groups()) {
      Sample chosen = group.only(SampleRole.CHOSEN);
      Sample rejected = group.only(SampleRole.REJECTED);
      double margin =
          anchor.logRatio(chosen) / divisor(chosen) - anchor.logRatio(rejected) / divisor(rejected);
      result.addValue(lossOf(margin) / pairs);
      double slope = slopeOf(margin) / pairs;
      spread(result, offset + group.samples().indexOf(chosen), chosen, slope / divisor(chosen));
      spread(
          result, offset + group.samples().indexOf(rejected), rejected, -slope / divisor(rejected));
      margins += margin;
      right += margin > 0 ? 1 : margin == 0 ? 0.5 : 0;
      offset += group.size();
    }
    return result
        .metric(ObjectiveMetric.PREFERENCE_MARGIN, margins / pairs)
        .metric(ObjectiveMetric.PREFERENCE_ACCURACY, right / pairs)
        .build();
  }

  private double divisor(Sample sample) {
    double tokens = sample.maskedTokens();
    return perToken && tokens > 0 ? tokens : 1;
  }

  private static void spread(
      ObjectiveResult.Builder result, int index, Sample sample, double slope) {
    for (int t = 0; t < sample.size(); t++) {
      result.addGradient(index, PerTokenName.CURRENT_LOG_PROB, t, slope * sample.lossMask(t));
    }
  }

  private double lossOf(double margin) {
    double x = beta * margin;
    return switch (loss) {
      case LOGISTIC -> Logistic.negativeLogSigmoid(x);
      case CONSERVATIVE ->
          (1 - flipRate) * Logistic.negativeLogSigmoid(x)
              + flipRate * Logistic.negativeLogSigmoid(-x);
      case ROBUST ->
          ((1 - flipRate) * Logistic.negativeLogSigmoid(x)
                  - flipRate * Logistic.negativeLogSigmoid(-x))
              / (1 - 2 * flipRate);
      case SQUARED -> (margin - 1 / (2 * beta)) * (margin - 1 / (2 * beta));
      case HINGE -> Math.max(0, 1 - x);
    };
  }

  private double slopeOf(double margin) {
    double x = beta * margin;
    return switch (loss) {
      case LOGISTIC -> -beta * Logistic.sigmoid(-x);
      case CONSERVATIVE ->
          beta * (flipRate * Logistic.sigmoid(x) - (1 - flipRate) * Logistic.sigmoid(-x));
      case ROBUST ->
          -beta
              * ((1 - flipRate) * Logistic.sigmoid(-x) + flipRate * Logistic.sigmoid(x))
              / (1 - 2 * flipRate);
      case SQUARED -> 2 * (margin - 1 / (2 * beta));
      case HINGE -> x < 1 ? -beta : 0;
    };
  }
}
