package io.ballast.rl.gate;

import io.ballast.rl.check.Require;

/** The entropy of a yes-or-no question. */
public final class BinaryEntropy {
  private static final double LN_2 = Math.log(2);

  private BinaryEntropy() {}

  /** Returns −p·log2 p − (1 − p)·log2(1 − p) in bits, 0 to 1; 0 where p is 0 or 1. */
  public static double bits(double p) {
    Require.probability(p, "p");
    if (p == 0 || p == 1) {
      return 0;
    }
    return Math.clamp(-(p * Math.log(p) + (1 - p) * Math.log1p(-p)) / LN_2, 0, 1);
  }
}
