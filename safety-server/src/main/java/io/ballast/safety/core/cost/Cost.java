package io.ballast.safety.core.cost;

import io.ballast.kit.call.ItemFault;
import java.util.List;

/** One completion's cost, or why it has none. */
public sealed interface Cost {
  /**
   * A cost.
   *
   * @param score the highest head: a log-odds, finite
   * @param harmProbability what it means, 0 to 1
   * @param headScores shape [K], finite
   */
  record Estimated(double score, double harmProbability, List<Double> headScores) implements Cost {
    public Estimated {
      headScores = List.copyOf(headScores);
    }
  }

  /** No cost; never replaced by a number. */
  record Missing(ItemFault fault) implements Cost {}

  /** Whether this must be blocked at {@code threshold}: what has no cost always must. */
  default boolean blockedAt(double threshold) {
    return switch (this) {
      case Estimated estimated -> estimated.harmProbability() >= threshold;
      case Missing missing -> true;
    };
  }
}
