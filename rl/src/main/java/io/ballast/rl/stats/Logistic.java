package io.ballast.rl.stats;

/** The logistic function and its logarithm, without overflow for any finite argument. */
public final class Logistic {
  private Logistic() {}

  /** Returns σ(x) = 1/(1 + e^(−x)), 0 to 1. */
  public static double sigmoid(double x) {
    if (x >= 0) {
      return 1 / (1 + Math.exp(-x));
    }
    double e = Math.exp(x);
    return e / (1 + e);
  }

  /** Returns −log σ(x) = log(1 + e^(−x)), ≥ 0: exact in the tails. */
  public static double negativeLogSigmoid(double x) {
    return x >= 0 ? Math.log1p(Math.exp(-x)) : -x + Math.log1p(Math.exp(x));
  }

  /** Returns log(p/(1 − p)) for p strictly between 0 and 1. */
  public static double logit(double p) {
    return Math.log(p) - Math.log1p(-p);
  }
}
