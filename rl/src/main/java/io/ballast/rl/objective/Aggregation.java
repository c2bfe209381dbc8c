package io.ballast.rl.objective;

import io.ballast.rl.check.Require;
import io.ballast.rl.sample.Batch;
import io.ballast.rl.sample.Sample;
import java.util.List;

/**
 * Turns the losses of tokens into one loss by weighing each token.
 *
 * <pre>L = Σᵢ wᵢ Σₜ mᵢₜ ℓᵢₜ,  m the loss mask, w as the mode says</pre>
 *
 * <p>Source: the four modes of verl's {@code agg_loss}; the constant divisor is Dr. GRPO's,
 * arXiv:2503.20783. A completion whose tokens are all masked takes no part: it is not counted in B.
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
    };
  }

  /**
   * Returns for each completion of {@code batch} the weight of one of its tokens, before its mask.
   *
   * @return shape [B], ≥ 0, in the order of {@code batch.samples()}; 0 for a fully masked one
   * @throws IllegalArgumentException if no token of the batch is unmasked
   */
  public double[] tokenWeights(Batch batch) {
    List<Sample> samples = batch.samples();
    double[] masked = samples.stream().mapToDouble(Sample::maskedTokens).toArray();
    double tokens = 0;
    int sequences = 0;
    for (double count : masked) {
      tokens += count;
      sequences += count > 0 ? 1 : 0;
    }
    if (sequences == 0) {
      throw new IllegalArgumentException("LOSS_MASK: 0 for every token (expected: at least one)");
    }
    double[] weights = new double[masked.length];
    for (int i = 0; i < weights.length; i++) {
      if (masked[i] > 0) {
        weights[i] =
            switch (mode) {
              case TOKEN_MEAN -> 1 / tokens;
              case SEQUENCE_MEAN_TOKEN_MEAN -> 1 / (sequences * masked[i]);
              case SEQUENCE_MEAN_TOKEN_SUM -> 1.0 / sequences;
              case CONSTANT_DIVISOR -> 1.0 / ((double) sequences * constantTokens);
            };
      }
    }
    return weights;
  }
}
