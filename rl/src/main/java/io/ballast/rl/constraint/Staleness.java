package io.ballast.rl.constraint;

import io.ballast.rl.check.Require;

/**
 * How much the costs of an older policy say of today's: HC-RLHF's buffer takes them all for today's
 * and notes the bias, arXiv:2506.08266.
 */
public sealed interface Staleness {
  /**
   * Returns the weight of a cost, 0 to 1; it does not rise with the lag.
   *
   * @param lag how many versions ago it was sampled, ≥ 0
   */
  double weight(long lag);

  /** Costs of every version count alike. */
  record Keep() implements Staleness {
    @Override
    public double weight(long lag) {
      checkLag(lag);
      return 1;
    }
  }

  /**
   * Costs of older versions do not count.
   *
   * @param maxLag the most versions ago, ≥ 0; 0 counts today's policy alone
   */
  record Drop(long maxLag) implements Staleness {
    /** Checks the range above. */
    public Drop {
      checkLag(maxLag);
    }

    @Override
    public double weight(long lag) {
      checkLag(lag);
      return lag <= maxLag ? 1 : 0;
    }
  }

  /**
   * Costs count the less the older they are: 2^(−lag/half-life).
   *
   * @param halfLife in versions, &gt; 0
   */
  record Fade(double halfLife) implements Staleness {
    /** Checks the range above. */
    public Fade {
      Require.positive(halfLife, "halfLife");
    }

    @Override
    public double weight(long lag) {
      checkLag(lag);
      return Math.pow(2, -lag / halfLife);
    }
  }

  private static void checkLag(long lag) {
    if (lag < 0) {
      throw new IllegalArgumentException("lag: " + lag + " (expected: >= 0)");
    }
  }
}
