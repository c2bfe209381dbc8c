package io.ballast.reward.core;

import io.ballast.kit.call.PhaseTimes;
import io.ballast.rl.aggregation.ScoreAggregator;
import java.util.List;

/**
 * The items' rewards in the order of the request.
 *
 * @param items one for each
 * @param aggregation what was used
 * @param quorum members that had to answer for a value, 1 to K
 * @param ensemble who answered
 * @param times of the whole request
 */
public record ScoreAnswer(
    List<ScoredItem> items,
    ScoreAggregator aggregation,
    int quorum,
    Ensemble ensemble,
    PhaseTimes times) {
  public ScoreAnswer {
    items = List.copyOf(items);
  }
}
