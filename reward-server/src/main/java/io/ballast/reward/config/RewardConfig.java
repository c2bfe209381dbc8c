package io.ballast.reward.config;

import io.ballast.inference.config.TritonPlaces;
import io.ballast.inference.triton.ScoringPlace;
import io.ballast.kit.batching.QueueLimits;
import io.ballast.kit.shadow.ShadowTarget;
import io.ballast.reward.core.ItemLimits;
import io.ballast.reward.core.QuorumRule;
import io.ballast.reward.core.RewardSettings;
import io.ballast.rl.aggregation.AggregationMethod;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The reward-server's configuration, checked once.
 *
 * @param settings how the server judges when a request does not say
 * @param items what one request may hold
 * @param queue how work is batched, in tokens
 * @param cacheBytes of scores that are kept; 0: none
 * @param threads of one batch in the model
 * @param triton where ensembles run that do not run here
 * @param components what components may use outside of the server
 * @param shadow the candidate that is asked in the shadow of what serves
 * @param servingFile says which versions serve, while the server runs
 */
public record RewardConfig(
    RewardSettings settings,
    ItemLimits items,
    QueueLimits queue,
    long cacheBytes,
    int threads,
    ScoringPlace triton,
    ComponentConfig components,
    Optional<ShadowTarget> shadow,
    Optional<Path> servingFile) {
  private static final int MAX_ITEMS = 4_096;
  private static final int MAX_TEXT_BYTES = 1 << 20;
  private static final long MAX_CACHE_BYTES = 1L << 40;
  private static final String NO_LESS_THAN_0 = "≥ 0; 0 means all";

  public RewardConfig {
    require(!settings.defaultModel().isEmpty(), "default-model", "''", "a name");
    require(!settings.servingVersion().isEmpty(), "serving-version", "''", "a version");
    double lambda = settings.uwoLambda();
    require(lambda >= 0 && Double.isFinite(lambda), "uwo-lambda", lambda, "finite, ≥ 0");
    double quantile = settings.quantile();
    require(quantile > 0 && quantile <= 0.5, "quantile", quantile, "above 0, at most 0.5");
    require(
        settings.allowed().contains(settings.method()),
        "aggregation",
        settings.method(),
        "one of ballast.reward.allowed-aggregations, " + settings.allowed());
    require(settings.quorum() >= 0, "quorum", settings.quorum(), NO_LESS_THAN_0);
    settings
        .ensembles()
        .forEach(
            (name, rule) ->
                rule.quorum()
                    .ifPresent(
                        quorum ->
                            require(
                                quorum >= 0,
                                "ensembles.\"%s\".quorum".formatted(name),
                                quorum,
                                NO_LESS_THAN_0)));
    require(settings.modelTimeout().isPositive(), "model-timeout", settings.modelTimeout(), "> 0");
    require(
        !settings.deadlineReserve().isNegative(),
        "deadline-reserve",
        settings.deadlineReserve(),
        "≥ 0");
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
    require(
        cacheBytes >= 0 && cacheBytes <= MAX_CACHE_BYTES,
        "cache-bytes",
        cacheBytes,
        "0 to 1,099,511,627,776; 0 means none");
    require(queue.workers() >= 1, "workers", queue.workers(), "≥ 1");
    require(queue.urgentWorkers() >= 0, "interactive-workers", queue.urgentWorkers(), "≥ 0");
    require(threads >= 1, "threads", threads, "≥ 1");
  }

  /**
   * Reads {@code properties}.
   *
   * @throws IllegalArgumentException if one is out of its range, naming it
   */
  public static RewardConfig from(RewardProperties properties) {
    return new RewardConfig(
        new RewardSettings(
            properties.defaultModel(),
            properties.servingVersion(),
            properties.aggregation(),
            properties.uwoLambda(),
            properties.quantile(),
            properties
                .allowedAggregations()
                .map(allowed -> List.copyOf(EnumSet.copyOf(allowed)))
                .orElse(List.of(AggregationMethod.values())),
            properties.quorum(),
            properties.worstCaseNeedsAll(),
            rules(properties.ensembles()),
            properties.modelTimeout(),
            properties.deadlineReserve()),
        new ItemLimits(
            properties.maxItems(), properties.maxTextBytes(), properties.maxPromptTokens()),
        new QueueLimits(
            properties.batchTokens(),
            properties.batchWait(),
            properties.queuedTokens(),
            properties.workers().orElse(Runtime.getRuntime().availableProcessors()),
            properties.interactiveWorkers()),
        properties.cacheBytes(),
        properties.threads(),
        TritonPlaces.of("ballast.reward.triton", properties.triton()),
        ComponentConfig.from(properties.components()),
        properties.shadow().map(RewardConfig::shadow),
        properties.servingFile());
  }

  private static ShadowTarget shadow(String text) {
    try {
      return ShadowTarget.parse(text);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException("ballast.reward.shadow: " + e.getMessage(), e);
    }
  }

  private static Map<String, QuorumRule> rules(
      Map<String, RewardProperties.EnsembleProperties> ensembles) {
    Map<String, QuorumRule> rules = new HashMap<>();
    ensembles.forEach(
        (name, own) -> rules.put(name, new QuorumRule(own.quorum(), own.worstCaseNeedsAll())));
    return rules;
  }

  private static void require(boolean holds, String property, Object value, String expected) {
    if (!holds) {
      throw new IllegalArgumentException(
          "ballast.reward.%s: %s (expected: %s)".formatted(property, value, expected));
    }
  }
}
