package io.ballast.loadtest.openloop;

import java.util.List;
import java.util.random.RandomGenerator;

/** When calls are meant to be sent. It knows nothing of answers: that makes the loop open. */
@FunctionalInterface
public interface Arrivals {
  /** What is returned after the last call. */
  long NEVER = Long.MAX_VALUE;

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

  /**
   * Calls along a curve at distances as equal as the curve lets them be: of all of them, of which
   * the first is at 0, each {@code every}th from the one with the number {@code first} on. So
   * several who share a load take turns.
   *
   * @param first from 0
   * @param every at least 1
   */
  static Arrivals evenlyAlong(RateCurve curve, int first, int every) {
    return new Arrivals() {
      private long index = first;

      @Override
      public long nextNanos() {
        long nanos = nanos(curve.secondsAt(index));
        index += every;
        return nanos;
      }
    };
  }

  /**
   * A Poisson process whose rate follows a curve: one of rate 1, of which each time is moved to
   * where the curve has meant so many calls.
   *
   * <p>Source: Çinlar 1975, Introduction to Stochastic Processes, §4.7 (inversion).
   */
  static Arrivals poissonAlong(RateCurve curve, RandomGenerator random) {
    return new Arrivals() {
      private double calls;

      @Override
      public long nextNanos() {
        calls += -Math.log1p(-random.nextDouble());
        return nanos(curve.secondsAt(calls));
      }
    };
  }

  /**
   * Calls as they came elsewhere.
   *
   * @param seconds after the start, never decreasing
   */
  static Arrivals traced(List<Double> seconds) {
    List<Double> times = List.copyOf(seconds);
    return new Arrivals() {
      private int index;

      @Override
      public long nextNanos() {
        return index == times.size() ? NEVER : nanos(times.get(index++));
      }
    };
  }

  private static long nanos(double seconds) {
    return Double.isInfinite(seconds) ? NEVER : Math.round(seconds * 1e9);
  }
}
