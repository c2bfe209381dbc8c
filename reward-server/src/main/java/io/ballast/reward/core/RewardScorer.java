package io.ballast.reward.core;

import io.ballast.kit.call.CallPatience;
import io.ballast.kit.error.MeshException;

/** Whoever gives completions rewards: ensembles, and composites that ensembles are a part of. */
public interface RewardScorer {
  /**
   * Scores items; one that cannot be scored fails alone.
   *
   * @throws MeshException MALFORMED_REQUEST for no items, too many, or ids that are too long or not
   *     unique; UNKNOWN_MODEL; OVERLOADED; DEPENDENCY_DOWN if what judges runs elsewhere and is not
   *     reached
   */
  ScoreAnswer score(ScoreCommand command, CallPatience patience);

  /**
   * Compares two completions of one prompt.
   *
   * @throws MeshException as {@link #score}
   */
  default Comparison compare(ScoreCommand command, CallPatience patience) {
    return Comparison.of(score(command, patience));
  }

  /** The most items of one request. */
  int maxItems();
}
