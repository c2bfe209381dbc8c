package io.ballast.safety.config;

import io.ballast.inference.api.SamplingOptions;
import io.ballast.inference.config.TritonPlaces;
import io.ballast.inference.triton.ScoringPlace;
import io.ballast.kit.batching.QueueLimits;
import io.ballast.kit.shadow.ShadowTarget;
import io.ballast.rl.gate.UtilityRule;
import io.ballast.safety.config.SafetyProperties.CanaryProperties;
import io.ballast.safety.config.SafetyProperties.TimeProperties;
import io.ballast.safety.core.canary.CanarySettings;
import io.ballast.safety.core.cost.CostSettings;
import io.ballast.safety.core.cost.ItemLimits;
import io.ballast.safety.core.gate.GateChoice;
import io.ballast.safety.core.gate.GateSettings;
import io.ballast.safety.core.gatefit.DriftSettings;
import io.ballast.safety.core.safetytest.TestSettings;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * The safety-server's configuration, checked once.
 *
 * @param costs how costs are judged when a request does not say
 * @param items what one request may hold
 * @param queue how work is batched, in tokens
 * @param threads of one batch in the model
 * @param gate how the display gate decides
 * @param tests how safety tests are carried out
 * @param timeouts of calls to the policy-server
 * @param certificates who signs them, and for how long
 * @param canary how canaries are watched
 * @param drift how it is watched whether what gates say comes true
 * @param triton where cost models run that do not run here
 * @param shadow the cost model that is asked in the shadow of what serves
 * @param servingFile says which versions serve, while the server runs
 */
public record SafetyConfig(
    CostSettings costs,
    ItemLimits items,
    QueueLimits queue,
    int threads,
    GateSettings gate,
    TestSettings tests,
    PeerTimeouts timeouts,
    CertificateSettings certificates,
    CanarySettings canary,
    DriftSettings drift,
    ScoringPlace triton,
    Optional<ShadowTarget> shadow,
    Optional<Path> servingFile) {
  private static final int MAX_CHUNK = 1_024;
  private static final int MAX_PROMPT_BYTES = 65_536; // what the policy-server takes
  private static final int MAX_ITEMS = 4_096;
  private static final int MAX_TEXT_BYTES = 1 << 20;
  private static final Duration MOST_WAIT = Duration.ofDays(366); // what the policy-server takes
  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,127}");

  /** How long one call to the policy-server may take, for completions and for a version. */
  public record PeerTimeouts(Duration sample, Duration version) {}

  /**
   * Who signs certificates, and for how long.
   *
   * @param signingKeys a folder of PEM files; empty: one in the data folder of a mesh with its own
   *     database, and none elsewhere
   * @param validity how long a certificate allows a promotion
   * @param redemption how long leave to move an alias holds
   * @param clockSkew how far this computer's clock may be ahead of the database's
   */
  public record CertificateSettings(
      Optional<Path> signingKeys, Duration validity, Duration redemption, Duration clockSkew) {}

  /** Checks the ranges. */
  public SafetyConfig {
    requireName("cost-model", costs.defaultModel());
    requireName("cost-version", costs.servingVersion());
    requireName("context-gate", gate.context().model());
    requireName("context-gate-version", gate.context().version());
    requireName("suggestion-gate", gate.suggestion().model());
    requireName("suggestion-gate-version", gate.suggestion().version());
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
    requireTests(tests);
    requirePositive("sample-timeout", timeouts.sample());
    requirePositive("version-timeout", timeouts.version());
    requirePositive("certificate-validity", certificates.validity());
    requirePositive("redemption-validity", certificates.redemption());
    require(!certificates.clockSkew().isNegative(), "clock-skew", certificates.clockSkew(), "≥ 0");
    requireCanary(canary);
    require(!drift.interval().isNegative(), "drift.interval", drift.interval(), "≥ 0; 0: not");
    requirePositive("drift.window", drift.window());
    require(
        drift.alpha() > 0 && drift.alpha() < 1, "drift.alpha", drift.alpha(), "above 0, below 1");
  }

  private static void requireCanary(CanarySettings canary) {
    requirePositive("canary.interval", canary.interval());
    double alpha = canary.alpha();
    require(alpha > 0 && alpha < 1, "canary.alpha", alpha, "above 0, below 1");
    double limit = canary.costLimit().orElse(0);
    require(limit >= 0 && limit < 1, "canary.cost-limit", limit, "0 to below 1");
    double margin = canary.acceptMargin();
    require(margin >= 0 && margin < 1, "canary.accept-margin", margin, "0 to below 1");
    require(canary.leastDecisions() >= 1, "canary.least-decisions", canary.leastDecisions(), "≥ 1");
    requirePositive("canary.horizon", canary.horizon());
    Duration wait = canary.feedbackWait();
    require(
        !wait.isNegative() && wait.compareTo(MOST_WAIT) <= 0,
        "canary.feedback-wait",
        wait,
        "0 to 366 days");
    requirePositive("canary.max-blind", canary.maxBlind());
  }

  private static void requireTests(TestSettings tests) {
    double temperature = tests.temperature();
    require(
        temperature == 0 || (temperature >= 0.01 && temperature <= SamplingOptions.MAX_TEMPERATURE),
        "test-temperature",
        temperature,
        "0, or 0.01 to 10");
    require(
        tests.maxNewTokens() >= 1 && tests.maxNewTokens() <= SamplingOptions.MAX_NEW_TOKENS,
        "test-max-new-tokens",
        tests.maxNewTokens(),
        "1 to 4,096");
    require(
        tests.chunk() >= 1 && tests.chunk() <= MAX_CHUNK,
        "test-chunk",
        tests.chunk(),
        "1 to 1,024");
    require(tests.concurrent() >= 1, "concurrent-tests", tests.concurrent(), "≥ 1");
    require(tests.attempts() >= 1, "test-attempts", tests.attempts(), "≥ 1");
    require(tests.returns() >= 0, "test-returns", tests.returns(), "≥ 0");
    requirePositive("test-pause", tests.pause());
    requirePositive("wait-interval", tests.poll());
    require(!tests.waitReserve().isNegative(), "wait-reserve", tests.waitReserve(), "≥ 0");
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
            properties.workers().orElse(Runtime.getRuntime().availableProcessors())),
        properties.threads(),
        new GateSettings(
            new GateChoice(properties.contextGate(), properties.contextGateVersion()),
            new GateChoice(properties.suggestionGate(), properties.suggestionGateVersion()),
            properties.maxTextBytes(),
            properties.gateExplains(),
            utilities(properties.utility())),
        new TestSettings(
            properties.testTemperature(),
            properties.testMaxNewTokens(),
            Math.min(properties.maxTextBytes(), MAX_PROMPT_BYTES),
            properties.testChunk(),
            properties.concurrentTests(),
            properties.testAttempts(),
            properties.testReturns(),
            properties.testPause(),
            properties.waitInterval(),
            properties.waitReserve()),
        new PeerTimeouts(properties.sampleTimeout(), properties.versionTimeout()),
        new CertificateSettings(
            properties.signingKeys(),
            properties.certificateValidity(),
            properties.redemptionValidity(),
            properties.clockSkew()),
        canary(properties.canary()),
        new DriftSettings(
            properties.drift().interval(), properties.drift().window(), properties.drift().alpha()),
        TritonPlaces.of("ballast.safety.triton", properties.triton()),
        properties.shadow().map(SafetyConfig::shadow),
        properties.servingFile());
  }

  private static ShadowTarget shadow(String text) {
    try {
      return ShadowTarget.parse(text);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException("ballast.safety.shadow: " + e.getMessage(), e);
    }
  }

  private static CanarySettings canary(CanaryProperties properties) {
    return new CanarySettings(
        properties.watch(),
        properties.interval(),
        properties.alpha(),
        properties.costLimit(),
        properties.acceptMargin(),
        properties.leastDecisions(),
        properties.horizon(),
        properties.whenHeld(),
        properties.feedbackWait(),
        properties.maxBlind());
  }

  private static Map<String, UtilityRule> utilities(Map<String, TimeProperties> tenants) {
    Map<String, UtilityRule> rules = new HashMap<>();
    tenants.forEach(
        (tenant, times) ->
            rules.put(
                tenant,
                new UtilityRule(
                    seconds(tenant, "verification", times.verification()),
                    seconds(tenant, "waiting", times.waiting()),
                    seconds(tenant, "writing", times.writing()),
                    seconds(tenant, "editing", times.editing()))));
    return rules;
  }

  private static double seconds(String tenant, String property, Duration value) {
    boolean holds = !value.isNegative() && value.compareTo(Duration.ofDays(1)) <= 0;
    require(holds, "utility." + tenant + "." + property, value, "0 to a day");
    return value.toNanos() / 1e9;
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
