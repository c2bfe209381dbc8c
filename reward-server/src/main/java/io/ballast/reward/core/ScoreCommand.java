package io.ballast.reward.core;

import io.ballast.inference.scoring.OnBehalf;
import io.ballast.kit.call.Lane;
import io.ballast.kit.call.Truncation;
import io.ballast.kit.call.VersionSelector;
import java.util.List;

/**
 * Items to score, all by one ensemble and in one way.
 *
 * @param behalf on whose behalf; an empty tenant is the default one
 * @param truncation what becomes of a prompt that is longer than the ensemble sees
 * @param anew whether items are scored that were scored before
 */
public record ScoreCommand(
    OnBehalf behalf,
    Lane lane,
    VersionSelector ensemble,
    AggregationChoice aggregation,
    Truncation truncation,
    boolean anew,
    List<ScoreItem> items) {
  public ScoreCommand {
    items = List.copyOf(items);
  }

  /** The same of other items. */
  public ScoreCommand of(List<ScoreItem> others) {
    return new ScoreCommand(behalf, lane, ensemble, aggregation, truncation, anew, others);
  }

  /** The same of another ensemble, one that an operator chose. */
  public ScoreCommand by(VersionSelector other, AggregationChoice how) {
    return new ScoreCommand(behalf.asOperatorsChose(), lane, other, how, truncation, anew, items);
  }
}
