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
 * Losses on pairs: DPO, cDPO, rDPO, IPO, SLiC, SimPO, ORPO's odds ratio, INPO.
 *
 * <pre>
 * h = m(chosen) − m(rejected),  m(y) = measure of y under π less that under π_anchor
 * L = mean over groups of ℓ(βh, γ)
 * </pre>
 *
 * <p>Sources: DPO, Rafailov et al. 2023, eq. 7, arXiv:2305.18290; IPO, Azar et al. 2023,
 * arXiv:2310.12036 (its summed form; TRL averages over the length instead: {@link
 * SequenceMeasure#TOKEN_MEAN}); cDPO, Mitchell 2023; rDPO, Chowdhury et al. 2024, arXiv:2403.00409;
 * SLiC-HF, Zhao et al. 2023, arXiv:2305.10425; SimPO, Meng et al. 2024, arXiv:2405.14734; ORPO,
 * Hong et al. 2024, arXiv:2403.07691; XPO, Xie et al. 2024, arXiv:2405.21046; INPO is {@link
 * PairLoss#SQUARED} with β = η and {@link Anchor#iterativeNash}.
 *
 * <p>Each group needs exactly one {@link SampleRole#CHOSEN} and one {@link SampleRole#REJECTED}
 * completion with an unmasked token each; others are left alone.
 *
 * @param loss what is made of the margin
 * @param beta β &gt; 0
 * @param targetMargin γ ≥ 0, which βh should exceed; not read by {@link PairLoss#SQUARED}
 * @param flipRate ε of the conservative and the robust loss, ≥ 0, below ½; not read by the others
 * @param anchor whom log-probabilities are measured against
 * @param measure what a completion's log-probability is taken to be
 */
public record PairwisePreference(
    PairLoss loss,
    double beta,
    double targetMargin,
    double flipRate,
    Anchor anchor,
    SequenceMeasure measure)
    implements Objective {
  /** Checks the ranges above. */
  public PairwisePreference {
    Require.positive(beta, "beta");
    Require.notNegative(targetMargin, "targetMargin");
    if (!(flipRate >= 0 && flipRate < 0.5)) {
      throw new IllegalArgumentException("flipRate: " + flipRate + " (expected: >= 0, below 0.5)");
    }
  }

  /** DPO against the reference. */
  public static PairwisePreference dpo(double beta) {
    return ofSums(PairLoss.LOGISTIC, beta, 0, Anchor.reference());
  }

  /** cDPO against the reference, with a share {@code flipRate} of wrong labels. */
  public static PairwisePreference conservativeDpo(double beta, double flipRate) {
    return ofSums(PairLoss.CONSERVATIVE, beta, flipRate, Anchor.reference());
  }

  /** rDPO against the reference, with a known share {@code flipRate} of wrong labels. */
  public static PairwisePreference robustDpo(double beta, double flipRate) {
    return ofSums(PairLoss.ROBUST, beta, flipRate, Anchor.reference());
  }

  /** IPO against the reference. */
  public static PairwisePreference ipo(double beta) {
    return ofSums(PairLoss.SQUARED, beta, 0, Anchor.reference());
  }

  /** INPO with game regularisation {@code tau} and inverse step size {@code eta}. */
  public static PairwisePreference iterativeNash(double tau, double eta) {
    return ofSums(PairLoss.SQUARED, eta, 0, Anchor.iterativeNash(tau, eta));
  }

  private static PairwisePreference ofSums(
      PairLoss loss, double beta, double flipRate, Anchor anchor) {
    return new PairwisePreference(loss, beta, 0, flipRate, anchor, SequenceMeasure.SUM);
  }

  /**
   * SimPO: no reference, log-probabilities averaged over the tokens.
   *
   * @param beta β &gt; 0; 2.5 in the authors' code
   * @param targetMargin γ ≥ 0; 0.55·β there
   */
  public static PairwisePreference simpo(double beta, double targetMargin) {
    return new PairwisePreference(
        PairLoss.LOGISTIC, beta, targetMargin, 0, Anchor.none(), SequenceMeasure.TOKEN_MEAN);
  }

  /**
   * SLiC-HF: a hinge on log-probabilities, and the likelihood of the chosen.
   *
   * <pre>max(0, δ − log π(chosen) + log π(rejected)) − λ·log π(chosen)</pre>
   *
   * @param delta δ ≥ 0, nats; 1 is usual
   * @param likelihoodWeight λ, finite; 0 leaves the hinge
   */
  public static Objective slic(double delta, double likelihoodWeight) {
    return new PairwisePreference(PairLoss.HINGE, 1, delta, 0, Anchor.none(), SequenceMeasure.SUM)
        .plus(likelihoodWeight, likelihood(SampleRole.CHOSEN, Aggregation.sequenceMeanTokenSum()));
  }

  /**
   * ORPO: likelihood of the chosen, and λ times the loss of the ratio of the odds; no reference.
   *
   * <pre>−log p̄(chosen) − λ·log σ(log-odds(chosen) − log-odds(rejected))</pre>
   *
   * @param weight λ, finite; 0.1 in the authors' code
   */
  public static Objective orpo(double weight) {
    return WeightedSum.of(likelihood(SampleRole.CHOSEN, Aggregation.sequenceMeanTokenMean()))
        .plus(
            weight,
            new PairwisePreference(
                PairLoss.LOGISTIC, 1, 0, 0, Anchor.none(), SequenceMeasure.LOG_ODDS));
  }

  /**
   * XPO: DPO, and optimism that pushes the policy off what the reference sampled.
   *
   * <pre>DPO + α·log π(y_ref)</pre>
   *
   * @param beta β &gt; 0
   * @param alpha α, finite; y_ref is a {@link SampleRole#CALIBRATION} completion in each group,
   *     beside the pair
   */
  public static Objective xpo(double beta, double alpha) {
    return dpo(beta)
        .plus(-alpha, likelihood(SampleRole.CALIBRATION, Aggregation.sequenceMeanTokenSum()));
  }

  private static Objective likelihood(SampleRole role, Aggregation aggregation) {
    return OfRoles.only(role, new WeightedLikelihood(aggregation));
  }

  @Override
  public Set<PerTokenName> requires() {
    Set<PerTokenName> names = EnumSet.of(PerTokenName.CURRENT_LOG_PROB);
    names.addAll(anchor.requires());
    return names;
  }

  @Override
  public MeanOver meanOver() {
    return MeanOver.GROUPS;
  }

  @Override
  public ObjectiveResult evaluate(Batch batch) {
    ObjectiveResult.Builder result = ObjectiveResult.builder(batch);
    double pairs = batch.groups().size();
    int offset = 0;
    double margins = 0;
    double right = 0;
    for (Group group : batch.groups()) {
      Sample chosen = side(group, SampleRole.CHOSEN);
      Sample rejected = side(group, SampleRole.REJECTED);
      double margin = anchor.logRatio(chosen, measure) - anchor.logRatio(rejected, measure);
      result.addValue(lossOf(margin) / pairs);
      double slope = slopeOf(margin) / pairs;
      spread(result, offset + group.samples().indexOf(chosen), chosen, slope);
      spread(result, offset + group.samples().indexOf(rejected), rejected, -slope);
      margins += margin;
      right += margin > 0 ? 1 : margin == 0 ? 0.5 : 0;
      offset += group.size();
    }
    return result
        .metric(ObjectiveMetric.PREFERENCE_MARGIN, margins / pairs)
        .metric(ObjectiveMetric.PREFERENCE_ACCURACY, right / pairs)
        .build();
  }

  private static Sample side(Group group, SampleRole role) {
    Sample side = group.only(role);
    if (side.maskedTokens() == 0) {
      throw new IllegalArgumentException(
          "group '"
              + group.groupId()
              + "': LOSS_MASK is 0 for every token of "
              + role
              + " (expected: at least one)");
    }
    return side;
  }

  private void spread(ObjectiveResult.Builder result, int index, Sample sample, double slope) {
    double each = slope * measure.slope(sample, PerTokenName.CURRENT_LOG_PROB);
    for (int t = 0; t < sample.size(); t++) {
      result.addGradient(index, PerTokenName.CURRENT_LOG_PROB, t, each * sample.lossMask(t));
    }
  }

  private double lossOf(double margin) {
    double x = beta * margin - targetMargin;
    double flipped = -beta * margin - targetMargin;
    return switch (loss) {
      case LOGISTIC -> Logistic.negativeLogSigmoid(x);
      case CONSERVATIVE ->
          (1 - flipRate) * Logistic.negativeLogSigmoid(x)
              + flipRate * Logistic.negativeLogSigmoid(flipped);
      case ROBUST ->
          ((1 - flipRate) * Logistic.negativeLogSigmoid(x)
                  - flipRate * Logistic.negativeLogSigmoid(flipped))
              / (1 - 2 * flipRate);
      case SQUARED -> (margin - 1 / (2 * beta)) * (margin - 1 / (2 * beta));
      case HINGE -> Math.max(0, -x);
    };
  }

  private double slopeOf(double margin) {
    double x = beta * margin - targetMargin;
    double flipped = -beta * margin - targetMargin;
    return switch (loss) {
      case LOGISTIC -> -beta * Logistic.sigmoid(-x);
      case CONSERVATIVE ->
          beta * (flipRate * Logistic.sigmoid(-flipped) - (1 - flipRate) * Logistic.sigmoid(-x));
      case ROBUST ->
          -beta
              * ((1 - flipRate) * Logistic.sigmoid(-x) + flipRate * Logistic.sigmoid(-flipped))
              / (1 - 2 * flipRate);
      case SQUARED -> 2 * (margin - 1 / (2 * beta));
      case HINGE -> x < 0 ? -beta : 0;
    };
  }
}
