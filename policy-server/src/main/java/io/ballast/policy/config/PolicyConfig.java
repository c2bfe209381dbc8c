package io.ballast.policy.config;

import io.ballast.inference.api.DecoderArithmetic;
import io.ballast.inference.api.SamplingOptions;
import io.ballast.policy.core.CallLimits;
import io.ballast.policy.core.outage.WhenDatabaseDown;
import io.ballast.policy.core.suggest.PeerPolicy;
import io.ballast.policy.core.version.CanarySplit;
import io.ballast.policy.core.version.PromotionLimits;
import io.ballast.policy.core.version.RemoteVersion;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * The policy-server's configuration, checked once.
 *
 * @param defaultModel the model that is meant when a request names none
 * @param firstVersion where "serving" points at the very first start
 * @param limits what a call may ask, and what it gets when it does not say
 * @param maxPinnedVersions how many versions that no alias points to may be loaded
 * @param engine what the decoders of this process may take
 * @param remotes versions that other servers run
 * @param breakGlassTokenFile holds what lets an operator move an alias without a certificate;
 *     absent: nobody may
 * @param promotion what a certificate must meet, whatever its test chose
 * @param allTenantsDecisions whether a caller may read the decisions for all tenants; absent: only
 *     where the mesh owns its database
 * @param canarySticky who stays with one version while an alias has a canary
 * @param sampleWindow how many generations of trainers may be under way
 * @param timeouts how long peers may take
 * @param peerPolicy what a missing peer counts as
 * @param tenantPolicies the same, for tenants who differ
 * @param aliasRefresh how often moved aliases are looked for
 * @param followInterval the longest that a follower waits before it looks
 * @param history what is kept at hand of what users did
 * @param retention how long suggestions and feedback are kept; empty: for ever
 * @param outage what goes on while the database is away
 */
public record PolicyConfig(
    String defaultModel,
    String firstVersion,
    CallLimits limits,
    int maxPinnedVersions,
    Engine engine,
    List<RemoteVersion> remotes,
    Optional<Path> breakGlassTokenFile,
    PromotionLimits promotion,
    Optional<Boolean> allTenantsDecisions,
    CanarySplit.Sticky canarySticky,
    int sampleWindow,
    Timeouts timeouts,
    PeerPolicy peerPolicy,
    Map<String, PeerPolicy> tenantPolicies,
    Duration aliasRefresh,
    Duration followInterval,
    History history,
    Optional<Duration> retention,
    Outage outage) {
  private static final int MAX_PROMPT_BYTES = 65_536;
  private static final int MAX_ITEMS = 1_024;
  private static final int MAX_CANDIDATES = 16;
  private static final int MAX_COMPLETIONS = 64;
  private static final long MAX_MEBIBYTES = 1L << 40;
  private static final Duration LEAST_RETENTION = Duration.ofDays(1);
  private static final int MAX_SPOOL_MEBIBYTES = 1 << 20;

  /**
   * What the decoders of this process may take.
   *
   * @param memoryMebibytes all together; absent: as the machine has it
   * @param keyValueMebibytes each for its completions; absent: as the first has it
   * @param arithmetic in what numbers they are computed
   * @param batchInvariant whether completions are the same bit by bit in any company
   * @param decodeLanes the most threads that a step is shared out over
   */
  public record Engine(
      OptionalLong memoryMebibytes,
      OptionalLong keyValueMebibytes,
      DecoderArithmetic arithmetic,
      boolean batchInvariant,
      int decodeLanes) {}

  /**
   * What is kept at hand of what users did with suggestions.
   *
   * @param users of how many
   * @param refresh how long it counts without asking the log again
   */
  public record History(int users, Duration refresh) {}

  /**
   * What goes on while the database is away.
   *
   * @param decisions what becomes of suggestions
   * @param feedback what becomes of feedback
   * @param spoolMebibytes what may wait on the disk
   * @param patience how long one answer of the database is waited for
   * @param probe how often it is asked whether it is back
   */
  public record Outage(
      WhenDatabaseDown.Decisions decisions,
      WhenDatabaseDown.Feedback feedback,
      int spoolMebibytes,
      Duration patience,
      Duration probe) {
    /** What may wait on the disk, in bytes. */
    public long spoolBytes() {
      return (long) spoolMebibytes << 20;
    }

    /** Whether suggestions are made while the database is away. */
    public boolean suggestionsGoOn() {
      return decisions != WhenDatabaseDown.Decisions.REFUSE;
    }
  }

  /** How long peers may take, at most what is left of the caller's deadline. */
  public record Timeouts(Duration gate, Duration judge, Duration certificate) {}

  public PolicyConfig {
    require(!defaultModel.isEmpty(), "default-model", defaultModel, "a name");
    require(!firstVersion.isEmpty(), "first-version", firstVersion, "a name");
    requireSampling(limits);
    require(
        limits.suggestPromptTokens() >= 0,
        "max-prompt-tokens",
        limits.suggestPromptTokens(),
        "≥ 0; 0 means as many as fit");
    require(
        limits.maxPromptBytes() >= 1 && limits.maxPromptBytes() <= MAX_PROMPT_BYTES,
        "max-prompt-bytes",
        limits.maxPromptBytes(),
        "1 to 65,536");
    require(maxPinnedVersions >= 1, "max-pinned-versions", maxPinnedVersions, "≥ 1");
    remotes = List.copyOf(remotes);
    requireMebibytes("memory-mebibytes", engine.memoryMebibytes());
    requireMebibytes("key-value-mebibytes", engine.keyValueMebibytes());
    require(engine.decodeLanes() >= 1, "decode-lanes", engine.decodeLanes(), "≥ 1");
    requireShare("promotion.max-threshold", promotion.maxThreshold());
    requireShare("promotion.max-delta", promotion.maxDelta());
    require(
        promotion.minObservations() >= 2,
        "promotion.min-observations",
        promotion.minObservations(),
        "≥ 2");
    for (String judge : promotion.judges()) {
      require(
          judge.matches("[^/\\s]+(/[^/\\s]+)?"), "promotion.judges", judge, "NAME or NAME/VERSION");
    }
    require(sampleWindow >= 1, "sample-window", sampleWindow, "≥ 1");
    requirePositive("gate-timeout", timeouts.gate());
    requirePositive("judge-timeout", timeouts.judge());
    requirePositive("certificate-timeout", timeouts.certificate());
    requirePositive("alias-refresh", aliasRefresh);
    requirePositive("follow-interval", followInterval);
    require(history.users() >= 1, "history-users", history.users(), "≥ 1");
    requirePositive("history-refresh", history.refresh());
    retention.ifPresent(
        time -> require(time.compareTo(LEAST_RETENTION) >= 0, "retention", time, "≥ P1D"));
    require(
        outage.spoolMebibytes() >= 1 && outage.spoolMebibytes() <= MAX_SPOOL_MEBIBYTES,
        "spool-mebibytes",
        outage.spoolMebibytes(),
        "1 to 1,048,576");
    requirePositive("database-patience", outage.patience());
    requirePositive("database-probe", outage.probe());
    tenantPolicies = Map.copyOf(tenantPolicies);
  }

  /**
   * Reads {@code properties}.
   *
   * @throws IllegalArgumentException if one is out of its range, naming it
   */
  public static PolicyConfig from(PolicyProperties properties) {
    PeerPolicy forAll = new PeerPolicy(properties.whenGateDown(), properties.whenCostDown());
    return new PolicyConfig(
        properties.defaultModel(),
        properties.firstVersion(),
        new CallLimits(
            properties.temperature(),
            properties.maxNewTokens(),
            properties.stopStrings().stream().map(PolicyConfig::unescape).toList(),
            properties.maxPromptTokens(),
            properties.maxPromptBytes(),
            MAX_ITEMS,
            MAX_CANDIDATES,
            MAX_COMPLETIONS),
        properties.maxPinnedVersions(),
        new Engine(
            properties.memoryMebibytes(),
            properties.keyValueMebibytes(),
            properties.arithmetic(),
            properties.batchInvariant(),
            properties.decodeLanes()),
        properties.remotes().entrySet().stream()
            .sorted(Map.Entry.comparingByKey())
            .map(remote -> remote(remote.getKey(), remote.getValue()))
            .toList(),
        properties.breakGlassTokenFile().map(Path::of),
        limits(properties.promotion()),
        properties.allTenantsDecisions(),
        properties.canarySticky(),
        properties.sampleWindow(),
        new Timeouts(
            properties.gateTimeout(), properties.judgeTimeout(), properties.certificateTimeout()),
        forAll,
        properties.tenants().entrySet().stream()
            .collect(
                Collectors.toMap(Map.Entry::getKey, tenant -> policyOf(tenant.getValue(), forAll))),
        properties.aliasRefresh(),
        properties.followInterval(),
        new History(properties.historyUsers(), properties.historyRefresh()),
        properties.retention(),
        new Outage(
            properties.decisionsOnDatabaseDown(),
            properties.feedbackOnDatabaseDown(),
            properties.spoolMebibytes(),
            properties.databasePatience(),
            properties.databaseProbe()));
  }

  private static PromotionLimits limits(PolicyProperties.PromotionProperties promotion) {
    return new PromotionLimits(
        promotion.maxThreshold(),
        promotion.maxDelta(),
        promotion.minObservations(),
        promotion.judges().orElse(Set.of()),
        promotion.bounds().orElse(Set.of()),
        promotion.sameCostModel());
  }

  private static RemoteVersion remote(String name, PolicyProperties.RemoteProperties remote) {
    String property = "remotes." + name + ".";
    require(!remote.model().isBlank(), property + "model", remote.model(), "a name");
    require(!remote.version().isBlank(), property + "version", remote.version(), "a name");
    boolean address =
        switch (remote.kind()) {
          case OPENAI -> remote.url().matches("https?://[^/?#@\\s]+(/[^?#\\s]*)?");
          case VLLM, TENSORRT_LLM -> remote.url().matches("[^/:@\\s]+:[0-9]{1,5}");
        };
    require(
        address,
        property + "url",
        remote.url().contains("@") ? "not shown" : remote.url(),
        switch (remote.kind()) {
          case OPENAI -> "http://host:port or https://…, no user";
          case VLLM, TENSORRT_LLM -> "host:port";
        });
    require(!remote.folder().isBlank(), property + "folder", remote.folder(), "a folder");
    remote
        .contextTokens()
        .ifPresent(tokens -> require(tokens >= 2, property + "context-tokens", tokens, "≥ 2"));
    require(
        remote.tokenFile().isEmpty() || remote.tokenVariable().isEmpty(),
        property + "token-file",
        "given",
        "not beside token-variable");
    requirePositive(property + "timeout", remote.timeout());
    return new RemoteVersion(
        remote.model(),
        remote.version(),
        remote.kind(),
        remote.url(),
        remote.servedModel().orElse(remote.model()),
        Path.of(remote.folder()),
        remote.contextTokens(),
        remote.tokenFile().map(Path::of),
        remote.tokenVariable(),
        remote.tls(),
        remote.drainStreams(),
        remote.timeout());
  }

  /** What a missing peer counts as for {@code tenant}. */
  public PeerPolicy policyOf(String tenant) {
    return tenantPolicies.getOrDefault(tenant, peerPolicy);
  }

  private static PeerPolicy policyOf(
      PolicyProperties.TenantProperties tenant, PeerPolicy otherwise) {
    return new PeerPolicy(
        tenant.whenGateDown().orElse(otherwise.gate()),
        tenant.whenCostDown().orElse(otherwise.cost()));
  }

  private static String unescape(String stop) {
    return stop.replace("\\n", "\n").replace("\\t", "\t");
  }

  private static void requireSampling(CallLimits limits) {
    List<String> stops = limits.suggestStopStrings();
    try {
      var unused =
          SamplingOptions.builder()
              .temperature(limits.temperature())
              .maxNewTokens(limits.maxNewTokens())
              .stopStrings(stops)
              .build();
    } catch (IllegalArgumentException e) {
      String property = String.valueOf(e.getMessage()).replace('_', '-');
      throw new IllegalArgumentException("ballast.policy." + property, e);
    }
  }

  private static void requireMebibytes(String property, OptionalLong value) {
    value.ifPresent(
        mebibytes ->
            require(
                mebibytes >= 1 && mebibytes <= MAX_MEBIBYTES, property, mebibytes, "1 to 2^40"));
  }

  private static void requireShare(String property, double value) {
    require(value > 0 && value <= 1, property, value, "above 0, at most 1");
  }

  private static void requirePositive(String property, Duration value) {
    require(value.isPositive(), property, value, "> 0");
  }

  private static void require(boolean holds, String property, Object value, String expected) {
    if (!holds) {
      throw new IllegalArgumentException(
          "ballast.policy.%s: %s (expected: %s)".formatted(property, value, expected));
    }
  }
}
