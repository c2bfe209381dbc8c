package io.ballast.rl.objective;

import io.ballast.rl.sample.Group;
import io.ballast.rl.sample.Sample;

/**
 * What a loss is the mean over. What is masked throughout takes no part and is not counted.
 *
 * <p>So the loss of a batch is the sum of the losses of its groups, each taken alone and weighed
 * with its share of the count:
 *
 * <pre>L(batch) = Σ_g countIn(g)/Σ_h countIn(h) · L(g)</pre>
 */
public enum MeanOver {
  /** Unmasked tokens; a token masked in part counts for what is left of it. */
  TOKENS,
  /** Completions with an unmasked token. */
  COMPLETIONS,
  /** Groups with an unmasked token. */
  GROUPS;

  /** Returns how many of them {@code group} has, ≥ 0. */
  public double countIn(Group group) {
    return switch (this) {
      case TOKENS -> group.samples().stream().mapToDouble(Sample::maskedTokens).sum();
      case COMPLETIONS -> unmasked(group);
      case GROUPS -> Math.min(1, unmasked(group));
    };
  }

  private static long unmasked(Group group) {
    return group.samples().stream().filter(sample -> sample.maskedTokens() > 0).count();
  }
}
