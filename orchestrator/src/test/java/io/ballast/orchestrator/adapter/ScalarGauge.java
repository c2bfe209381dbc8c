package io.ballast.orchestrator.adapter;

import io.micrometer.core.instrument.Tag;
import java.util.List;
import java.util.Map;

/**
 * The gauge that shows a scalar of {@link IterationScalars}.
 *
 * @param tags its own, beside those that say of which run it is
 */
record ScalarGauge(String name, List<Tag> tags) {
  /** Those that are called otherwise than their scalar. */
  private static final Map<String, String> RENAMED =
      Map.of(
          "train/reward_spread", "spread",
          "train/kl_nats", "kl",
          "train/entropy_nats", "entropy",
          "train/serve_gap_nats", "train.serve.gap",
          "train/serve_gap_max_nats", "train.serve.gap.max",
          "gold/mean", "gold",
          "evaluation/reward", "evaluation",
          "watch/alarms", "alarms.raised");

  /** Of the scalar with {@code tag}. */
  static ScalarGauge of(String tag) {
    List<String> parts = List.of(tag.split("/", -1));
    String group = parts.getFirst();
    String last = parts.getLast();
    String renamed = RENAMED.get(tag);
    if (renamed != null) {
      return plain(renamed);
    }
    return switch (group) {
      case "train" -> plain(last);
      case "objective" -> tagged("objective", "name", last);
      case "constraint", "measured" -> tagged(group + "." + last, group, parts.get(1));
      case "seconds" -> plain(last + ".seconds");
      case "completions_per_second", "tokens_per_second" -> tagged(group, "phase", last);
      default -> plain(group + "." + last);
    };
  }

  private static ScalarGauge plain(String name) {
    return new ScalarGauge("ballast.run." + name.replace('_', '.'), List.of());
  }

  private static ScalarGauge tagged(String name, String tag, String value) {
    return new ScalarGauge("ballast.run." + name.replace('_', '.'), List.of(Tag.of(tag, value)));
  }
}
