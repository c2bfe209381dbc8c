package io.ballast.orchestrator.core.spec;

import static io.ballast.orchestrator.core.spec.SpecDefaults.GOLD_AGGREGATION;
import static io.ballast.orchestrator.core.spec.SpecDefaults.GOLD_COMPLETIONS;
import static io.ballast.orchestrator.core.spec.SpecDefaults.GOLD_EVERY;
import static io.ballast.orchestrator.core.spec.SpecDefaults.SPREAD_GROWTH;
import static io.ballast.orchestrator.core.spec.SpecDefaults.WATCH_ACTION;
import static io.ballast.orchestrator.core.spec.SpecDefaults.WATCH_GAP;
import static io.ballast.orchestrator.core.spec.SpecDefaults.WATCH_PATIENCE;
import static io.ballast.orchestrator.core.spec.SpecDefaults.WATCH_SPREAD_GROWTH;

import io.ballast.orchestrator.core.Faults;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Reads the section {@code watch} of a spec. */
final class WatchSpecReader {
  private static final int MAX_PATIENCE = 1_000;
  private static final int MAX_EVERY = 100_000;
  private static final int MAX_COMPLETIONS = 65_536;

  private static final SpreadLimit UNLIMITED = new SpreadLimit(Double.MAX_VALUE, false);

  private WatchSpecReader() {}

  /**
   * @param labelled whether it learns from data: rewards of what is in there say nothing of it
   */
  static WatchSpec read(SpecNode root, boolean labelled) {
    if (labelled) {
      refuse(root, "watch");
      return new WatchSpec(UNLIMITED, Double.MAX_VALUE, WATCH_PATIENCE, WatchAction.RECORD, null);
    }
    SpecNode node =
        root.child("watch", "max_spread_growth", "max_gap", "patience", "action", "gold");
    if (node.has("max_gap") && !node.has("gold")) {
      throw node.flaw("max_gap", "without gold", "none: the gap is between the reward and gold");
    }
    return new WatchSpec(
        spreadLimit(node, "max_spread_growth", WATCH_SPREAD_GROWTH),
        node.number("max_gap", WATCH_GAP, v -> v >= 0, "≥ 0"),
        node.integer("patience", WATCH_PATIENCE, 1, MAX_PATIENCE),
        node.choice("action", WATCH_ACTION, List.of(WatchAction.values())),
        gold(node));
  }

  /** How far the spread may grow while a run learns. */
  static SpreadLimit stop(SpecNode root, boolean labelled) {
    if (labelled) {
      refuse(root, "stop");
      return UNLIMITED;
    }
    return spreadLimit(root.child("stop", "spread_growth"), "spread_growth", SPREAD_GROWTH);
  }

  private static void refuse(SpecNode root, String key) {
    if (root.has(key)) {
      throw root.flaw(
          key,
          "beside labelled data",
          "none: rewards of what is in the data say nothing of the policy; evaluation does");
    }
  }

  private static SpreadLimit spreadLimit(SpecNode node, String key, double otherwise) {
    return new SpreadLimit(node.number(key, otherwise, v -> v >= 1, "≥ 1"), node.has(key));
  }

  private static @Nullable GoldSpec gold(SpecNode watch) {
    if (!watch.has("gold")) {
      return null;
    }
    SpecNode node =
        watch.child(
            "gold",
            "model",
            "version",
            "aggregation",
            "uwo_lambda",
            "quantile",
            "every",
            "completions");
    ModelRef model =
        new ModelRef(
            required(node, "model", "the name of an ensemble or composite that Score answers for"),
            required(node, "version", "a version of it"));
    return new GoldSpec(
        RunSpecReader.reward(node, model, GOLD_AGGREGATION),
        node.integer("every", GOLD_EVERY, 1, MAX_EVERY),
        node.integer("completions", GOLD_COMPLETIONS, 2, MAX_COMPLETIONS));
  }

  private static String required(SpecNode node, String key, String what) {
    return Faults.requireName(node.pathOf(key), node.requiredText(key, what));
  }
}
