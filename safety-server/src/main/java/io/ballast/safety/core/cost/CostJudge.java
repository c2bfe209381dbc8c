package io.ballast.safety.core.cost;

import io.ballast.kit.call.ItemFault;
import io.ballast.rl.aggregation.ScoreAggregator;
import io.ballast.rl.preference.PlattScaling;
import java.util.List;

/**
 * Makes one conservative cost of what the heads of a model said: the highest, calibrated.
 *
 * @param model whose heads spoke
 * @param calibration of the highest score
 */
record CostJudge(CostModel model, PlattScaling calibration) {
  private static final ScoreAggregator HIGHEST = ScoreAggregator.worstCase().forCosts();

  Cost judge(HeadScores scores) {
    return switch (scores) {
      case HeadScores.Refused refused -> new Cost.Missing(refused.fault());
      case HeadScores.Scored scored -> judge(scored.scores());
    };
  }

  private Cost judge(List<Double> scores) {
    if (scores.size() != model.heads()) {
      return broken("%d heads answered (expected: %d)".formatted(scores.size(), model.heads()));
    }
    for (int k = 0; k < scores.size(); k++) {
      if (!Double.isFinite(scores.get(k))) {
        return broken("head %d: score %s (expected: finite)".formatted(k, scores.get(k)));
      }
    }
    double highest = HIGHEST.aggregate(scores.stream().mapToDouble(Double::doubleValue).toArray());
    return new Cost.Estimated(highest, calibration.probability(highest), scores);
  }

  private Cost broken(String flaw) {
    return new Cost.Missing(
        new ItemFault(ItemFault.Reason.MODEL_ERROR, model.id().model() + ": " + flaw));
  }
}
