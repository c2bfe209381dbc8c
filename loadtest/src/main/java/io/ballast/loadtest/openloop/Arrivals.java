package io.ballast.loadtest.openloop;

import java.util.random.RandomGenerator;

/** When calls are meant to be sent. It knows nothing of answers: that makes the loop open. */
@FunctionalInterface
public interface Arrivals {
  /** Returns when the next call is meant, in nanoseconds after the start; never decreases. */
  long nextNanos();

  /**
   * Calls at equal distances, the first at 0. Each time is computed from its index, so rounding
   * does not add up.
   *
   * @param ratePerSecond &gt; 0
   */
  static Arrivals evenly(double ratePerSecond) {
    return new Arrivals() {
      private long index;

      @Override
      public long nextNanos() {
        return Math.round(index++ * 1e9 / ratePerSecond);
      }
    };
  }

  /**
   * Calls that do not know of each other, as those of many people: a Poisson process, whose gaps
   * are exponential, −ln(1 − u) / rate.
   *
   * @param ratePerSecond &gt; 0
   */
  static Arrivals poisson(double ratePerSecond, RandomGenerator random) {
    return new Arrivals() {
      private double nanos;

      @Override
      public long nextNanos() {
        nanos += -Math.log1p(-random.nextDouble()) * 1e9 / ratePerSecond;
        return Math.round(nanos);
      }
    };
  }
}
