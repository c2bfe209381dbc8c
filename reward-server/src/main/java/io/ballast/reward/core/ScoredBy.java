package io.ballast.reward.core;

import io.ballast.kit.call.PinnedVersion;
import io.ballast.rl.aggregation.ScoreAggregator;
import java.util.OptionalDouble;

/** Who gave an answer's rewards, and how. */
public sealed interface ScoredBy {
  /** Name, version and checksum: enough to ask the same again. */
  PinnedVersion id();

  /**
   * An ensemble.
   *
   * @param aggregation how its members became one reward
   * @param quorum members that had to answer for a value, 1 to K
   */
  record Members(Ensemble ensemble, ScoreAggregator aggregation, int quorum) implements ScoredBy {
    @Override
    public PinnedVersion id() {
      return ensemble.id();
    }
  }

  /**
   * An expression over components.
   *
   * @param preferenceScale what takes a difference of two rewards to log-odds, above 0; empty if
   *     its author does not say
   */
  record Composite(PinnedVersion id, OptionalDouble preferenceScale) implements ScoredBy {}
}
