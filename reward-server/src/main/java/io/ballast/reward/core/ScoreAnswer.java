package io.ballast.reward.core;

import io.ballast.kit.call.PhaseTimes;
import java.util.List;

/**
 * The items' rewards in the order of the request.
 *
 * @param items one for each
 * @param by who answered, and how
 * @param times of the whole request
 */
public record ScoreAnswer(List<ScoredItem> items, ScoredBy by, PhaseTimes times) {
  public ScoreAnswer {
    items = List.copyOf(items);
  }
}
