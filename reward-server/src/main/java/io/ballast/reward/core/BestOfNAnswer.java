package io.ballast.reward.core;

import io.ballast.kit.call.ItemFault;
import io.ballast.rl.selection.BestOfNCurve;
import io.ballast.rl.selection.BestOfNPlan;
import java.util.List;
import java.util.Optional;

/**
 * What best of n is worth.
 *
 * @param curve the estimates
 * @param plan what was estimated, with its defaults filled in
 * @param leftOut completions that have no reward
 * @param scored who scored, and how; empty if all rewards were given
 */
public record BestOfNAnswer(
    BestOfNCurve curve, BestOfNPlan plan, List<LeftOut> leftOut, Optional<ScoreAnswer> scored) {
  public BestOfNAnswer {
    leftOut = List.copyOf(leftOut);
  }

  /** How many completions were scored after a part of their prompt only. */
  public int cutPrompts() {
    return (int)
        scored.stream()
            .flatMap(answer -> answer.items().stream())
            .filter(item -> item.cut().isPresent())
            .count();
  }

  /**
   * A completion that is in no pool, because it has no reward.
   *
   * @param pool its pool's index
   * @param completion its index there
   */
  public record LeftOut(int pool, int completion, ItemFault fault) {}
}
