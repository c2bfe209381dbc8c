package io.ballast.orchestrator.core.learner;

import io.ballast.orchestrator.core.Faults;

/**
 * The learning rate of every update of a training, known beforehand.
 *
 * <p>With W updates of warm-up out of N, peak η and final fraction f, update u = 1, 2, … takes
 *
 * <pre>
 * u ≤ W          η·u/W
 * CONSTANT       η
 * LINEAR         η·(f + (1 − f)·(1 − p))
 * COSINE         η·(f + (1 − f)·(1 + cos πp)/2)      p = min(1, (u − W)/(N − W))
 * </pre>
 *
 * <p>So update W takes η, and update N and all after it take f·η. Source: the warm-up from η/W is
 * that of Ouyang et al. 2022, appendix C, arXiv:2203.02155 (W = 10, then constant); the cosine is
 * that of Loshchilov and Hutter 2017, eq. 5, arXiv:1608.03983, without restarts.
 *
 * @param kind what follows the warm-up
 * @param peak η, above 0
 * @param warmupUpdates W, at least 0; below N unless the rate is constant
 * @param totalUpdates N, at least 1
 * @param finalFraction f, 0 to 1; a constant rate has no use for it
 */
public record LearningRateSchedule(
    Kind kind, double peak, long warmupUpdates, long totalUpdates, double finalFraction) {
  /** What follows the warm-up. */
  public enum Kind {
    /** The peak for good. */
    CONSTANT,
    /** Down in equal steps. */
    LINEAR,
    /** Down half a wave: slowly, quickly, slowly. */
    COSINE
  }

  /** Checks the ranges above; a failure is MALFORMED_REQUEST and names the field. */
  public LearningRateSchedule {
    require(peak > 0 && Double.isFinite(peak), "peak", peak, "> 0, finite");
    require(totalUpdates >= 1, "total_updates", totalUpdates, "≥ 1");
    require(warmupUpdates >= 0, "warmup_updates", warmupUpdates, "≥ 0");
    require(
        kind == Kind.CONSTANT || warmupUpdates < totalUpdates,
        "warmup_updates",
        warmupUpdates,
        "< the %,d updates of all".formatted(totalUpdates));
    require(finalFraction >= 0 && finalFraction <= 1, "final_fraction", finalFraction, "0 to 1");
  }

  /** The same rate for every update. */
  public static LearningRateSchedule constant(double rate) {
    return new LearningRateSchedule(Kind.CONSTANT, rate, 0, 1, 1);
  }

  /**
   * Returns the rate of an update.
   *
   * @param update which, counted from 1: one more than the updates done
   * @return 0 to the peak; 0 only from the last update on, with a final fraction of 0
   * @throws IllegalArgumentException if there is no such update
   */
  public double rate(long update) {
    if (update < 1) {
      throw new IllegalArgumentException("update: " + update + " (expected: ≥ 1)");
    }
    if (update <= warmupUpdates) {
      return peak * update / warmupUpdates;
    }
    return switch (kind) {
      case CONSTANT -> peak;
      case LINEAR -> decayed(1 - progress(update));
      case COSINE -> decayed((1 + Math.cos(Math.PI * progress(update))) / 2);
    };
  }

  /** The rate with so much of the way down still before it, 0 to 1. */
  private double decayed(double left) {
    return peak * (finalFraction + (1 - finalFraction) * left);
  }

  private double progress(long update) {
    return Math.min(1, (double) (update - warmupUpdates) / (totalUpdates - warmupUpdates));
  }

  private static void require(boolean holds, String field, Object value, String expected) {
    if (!holds) {
      throw Faults.malformed("schedule." + field, value + " (expected: " + expected + ")");
    }
  }
}
