package io.ballast.safety.config;

import io.ballast.kit.batching.QueueLimits;
import io.ballast.safety.core.cost.CostSettings;
import io.ballast.safety.core.cost.ItemLimits;
import io.ballast.safety.core.gate.GateChoice;
import java.time.Duration;
import java.util.regex.Pattern;

/**
 * The safety-server's configuration, checked once.
 *
 * @param costs how costs are judged when a request does not say
 * @param items what one request may hold
 * @param queue how work is batched, in tokens
 * @param threads of one batch in the model
 * @param contextGate the model of stage 1
 * @param suggestionGate the model of stage 2
 */
public record SafetyConfig(
    CostSettings costs,
    ItemLimits items,
    QueueLimits queue,
    int threads,
    GateChoice contextGate,
    GateChoice suggestionGate) {
  private static final int MAX_ITEMS = 4_096;
  private static final int MAX_TEXT_BYTES = 1 << 20;
  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,127}");

  /** Checks the ranges. */
  public SafetyConfig {
    requireName("cost-model", costs.defaultModel());
    requireName("cost-version", costs.servingVersion());
    requireName("context-gate", contextGate.model());
    requireName("context-gate-version", contextGate.version());
    requireName("suggestion-gate", suggestionGate.model());
    requireName("suggestion-gate-version", suggestionGate.version());
    double threshold = costs.threshold();
    require(threshold >= 0 && threshold <= 1, "display-threshold", threshold, "0 to 1");
    requirePositive("model-timeout", costs.modelTimeout());
    require(
        !costs.deadlineReserve().isNegative(), "deadline-reserve", costs.deadlineReserve(), "≥ 0");
    require(
        items.items() >= 1 && items.items() <= MAX_ITEMS, "max-items", items.items(), "1 to 4,096");
    require(
        items.textBytes() >= 1 && items.textBytes() <= MAX_TEXT_BYTES,
        "max-text-bytes",
        items.textBytes(),
        "1 to 1,048,576");
    require(
        items.promptTokens() >= 0,
        "max-prompt-tokens",
        items.promptTokens(),
        "≥ 0; 0 means as many as fit");
    require(queue.batchWeight() >= 1, "batch-tokens", queue.batchWeight(), "≥ 1");
    require(!queue.batchWait().isNegative(), "batch-wait", queue.batchWait(), "≥ 0");
    require(queue.queuedWeight() >= 1, "queued-tokens", queue.queuedWeight(), "≥ 1");
    require(queue.workers() >= 1, "workers", queue.workers(), "≥ 1");
    require(threads >= 1, "threads", threads, "≥ 1");
  }

  /**
   * Reads {@code properties}.
   *
   * @throws IllegalArgumentException if one is out of its range, naming it
   */
  public static SafetyConfig from(SafetyProperties properties) {
    return new SafetyConfig(
        new CostSettings(
            properties.costModel(),
            properties.costVersion(),
            properties.displayThreshold(),
            properties.modelTimeout(),
            properties.deadlineReserve()),
        new ItemLimits(
            properties.maxItems(), properties.maxTextBytes(), properties.maxPromptTokens()),
        new QueueLimits(
            properties.batchTokens(),
            properties.batchWait(),
            properties.queuedTokens(),
            properties.workers()),
        properties.threads(),
        new GateChoice(properties.contextGate(), properties.contextGateVersion()),
        new GateChoice(properties.suggestionGate(), properties.suggestionGateVersion()));
  }

  private static void requireName(String property, String value) {
    require(
        NAME.matcher(value).matches(),
        property,
        "'" + value + "'",
        "letters, digits, '.', '_', '-'; at most 128");
  }

  private static void requirePositive(String property, Duration value) {
    require(value.isPositive(), property, value, "> 0");
  }

  private static void require(boolean holds, String property, Object value, String expected) {
    if (!holds) {
      throw new IllegalArgumentException(
          "ballast.safety.%s: %s (expected: %s)".formatted(property, value, expected));
    }
  }
}
