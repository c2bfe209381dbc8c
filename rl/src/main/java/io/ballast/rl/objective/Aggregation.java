package io.ballast.rl.objective;

import io.ballast.rl.check.Require;
import io.ballast.rl.sample.Batch;
import io.ballast.rl.sample.Group;
import io.ballast.rl.sample.Sample;
import java.util.List;

/**
 * Turns the losses of tokens into one loss by weighing each token.
 *
 * <pre>L = Σᵢ wᵢ Σₜ mᵢₜ ℓᵢₜ,  m the loss mask, w as the mode says</pre>
 *
 * <p>Source: the modes of verl's {@code agg_loss}; the constant divisor is Dr. GRPO's,
 * arXiv:2503.20783; the mean over each group's tokens is DAPO's, arXiv:2503.14476, eq. 8. A
 * completion whose tokens are all masked takes no part: it is not counted, nor is a group of such.
 *
 * @param mode which
 * @param constantTokens L of {@link LossAggregation#CONSTANT_DIVISOR}, ≥ 1; not read otherwise
 */
public record Aggregation(LossAggregation mode, int constantTokens) {
  /** Checks the range above. */
  public Aggregation {
    Require.atLeast(constantTokens, 1, "constantTokens");
  }

  /** The mean over all unmasked tokens. */
  public static Aggregation tokenMean() {
    return new Aggregation(LossAggregation.TOKEN_MEAN, 1);
  }

  /** The mean over completions of the mean over their tokens. */
  public static Aggregation sequenceMeanTokenMean() {
    return new Aggregation(LossAggregation.SEQUENCE_MEAN_TOKEN_MEAN, 1);
  }

  /** The mean over completions of the sum over their tokens. */
  public static Aggregation sequenceMeanTokenSum() {
    return new Aggregation(LossAggregation.SEQUENCE_MEAN_TOKEN_SUM, 1);
  }

  /** The mean over groups of the mean over all tokens of each. */
  public static Aggregation groupMeanTokenMean() {
    return new Aggregation(LossAggregation.GROUP_MEAN_TOKEN_MEAN, 1);
  }

  /** The sum over tokens divided by the number of completions and by {@code tokens}. */
  public static Aggregation constantDivisor(int tokens) {
    return new Aggregation(LossAggregation.CONSTANT_DIVISOR, tokens);
  }

  /** What the loss is the mean over. */
  public MeanOver meanOver() {
    return switch (mode) {
      case TOKEN_MEAN -> MeanOver.TOKENS;
      case SEQUENCE_MEAN_TOKEN_MEAN, SEQUENCE_MEAN_TOKEN_SUM, CONSTANT_DIVISOR ->
          MeanOver.COMPLETIONS;
      case GROUP_MEAN_TOKEN_MEAN -> MeanOver.GROUPS;
    };
  }

  /**
   * Returns for each completion of {@code batch} the weight of one of its tokens, before its mask.
   *
   * @return shape [B], ≥ 0, in the order of {@code batch.samples()}; 0 for a fully masked one
   * @throws IllegalArgumentException if no token of the batch is unmasked
   */
  public double[] tokenWeights(Batch batch) {
    double count = batch.groups().stream().mapToDouble(meanOver()::countIn).sum();
    if (count == 0) {
      throw new IllegalArgumentException("LOSS_MASK: 0 for every token (expected: at least one)");
    }
    List<Sample> samples = batch.samples();
    double[] weights = new double[samples.size()];
    int i = 0;
    for (Group group : batch.groups()) {
      double ofGroup = MeanOver.TOKENS.countIn(group);
      for (Sample sample : group.samples()) {
        double own = sample.maskedTokens();
        weights[i++] = own == 0 ? 0 : 1 / (count * tokensOf(own, ofGroup));
      }
    }
    return weights;
  }

  /** By how many tokens the sum of a completion's is divided, beside what the mean is over. */
  private double tokensOf(double completion, double group) {
    return switch (mode) {
      case TOKEN_MEAN, SEQUENCE_MEAN_TOKEN_SUM -> 1;
      case SEQUENCE_MEAN_TOKEN_MEAN -> completion;
      case GROUP_MEAN_TOKEN_MEAN -> group;
      case CONSTANT_DIVISOR -> constantTokens;
    };
  }
}
