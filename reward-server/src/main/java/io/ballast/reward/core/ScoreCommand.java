package io.ballast.reward.core;

import io.ballast.kit.call.Lane;
import io.ballast.kit.call.VersionSelector;
import java.util.List;

/** Items to score, all by one ensemble and in one way. */
public record ScoreCommand(
    Lane lane, VersionSelector ensemble, AggregationChoice aggregation, List<ScoreItem> items) {
  public ScoreCommand {
    items = List.copyOf(items);
  }
}
