package io.ballast.rl.gate;

import io.ballast.rl.bound.ProportionBounds;

/** How the share of rejected among withheld suggestions is bounded from below. */
public enum ProportionBoundMethod {
  /** Clopper and Pearson: covers whatever the truth. */
  CLOPPER_PEARSON,
  /** Wilson: closer on average. */
  WILSON,
  /** The plain share, no bound: what the paper does; falls short of ρ on fresh data. */
  EMPIRICAL;

  /** Returns the lower bound at confidence 1 − {@code delta}; empirical ignores {@code delta}. */
  public double lower(int successes, int trials, double delta) {
    return switch (this) {
      case CLOPPER_PEARSON -> ProportionBounds.clopperPearsonLower(successes, trials, delta);
      case WILSON -> ProportionBounds.wilsonLower(successes, trials, delta);
      case EMPIRICAL -> (double) successes / trials;
    };
  }
}
