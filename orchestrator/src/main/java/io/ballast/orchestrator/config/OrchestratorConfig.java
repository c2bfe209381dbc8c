package io.ballast.orchestrator.config;

import io.ballast.inference.api.DecoderArithmetic;
import io.ballast.orchestrator.core.learner.LearnerLimits;
import io.ballast.orchestrator.core.peer.Patience;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;

/**
 * The orchestrator's configuration, checked once.
 *
 * @param concurrentRuns how many runs work at a time
 * @param runsPerTenant how many runs of one tenant may be there that have neither ended nor failed
 * @param tokensPerPass the most tokens of a forward and backward pass of a run
 * @param trainingLanes the most threads that one run or session learns with
 * @param rolloutsInMemory whether what runs sample from is handed over, where that can be
 * @param patience how long peers and the database are waited for
 * @param retryBudget retries in a row that one peer may cost
 * @param peerTimeout of one call
 * @param testWait how long one call waits for the end of a safety test
 * @param watchInterval how long a watcher waits at most before it looks
 * @param sweepInterval how often runs without a worker are looked for
 * @param promptRetention how long prompts and samples of a run that has ended are kept; empty: for
 *     ever
 * @param tensorboardFolder where what runs do is written for TensorBoard; empty: nowhere
 * @param arithmetic in what numbers weights are trained
 * @param learner what learner sessions may take
 */
public record OrchestratorConfig(
    int concurrentRuns,
    int runsPerTenant,
    int tokensPerPass,
    int trainingLanes,
    boolean rolloutsInMemory,
    Patience.Limits patience,
    int retryBudget,
    Duration peerTimeout,
    Duration testWait,
    Duration watchInterval,
    Duration sweepInterval,
    Optional<Duration> promptRetention,
    Optional<Path> tensorboardFolder,
    DecoderArithmetic arithmetic,
    LearnerLimits learner) {
  private static final int MIN_TOKENS = 64;
  private static final int MAX_WINDOW = 256;

  public OrchestratorConfig {
    require(concurrentRuns >= 1, "concurrent-runs", concurrentRuns, "≥ 1");
    require(runsPerTenant >= 1, "runs-per-tenant", runsPerTenant, "≥ 1");
    require(tokensPerPass >= MIN_TOKENS, "tokens-per-pass", tokensPerPass, "≥ 64");
    require(trainingLanes >= 1, "training-lanes", trainingLanes, "≥ 1");
    require(!patience.total().isNegative(), "peer-patience", patience.total(), "≥ 0");
    requirePositive("retry-first-wait", patience.firstWait());
    require(
        patience.longestWait().compareTo(patience.firstWait()) >= 0,
        "retry-longest-wait",
        patience.longestWait(),
        "≥ retry-first-wait");
    require(retryBudget >= 1, "retry-budget", retryBudget, "≥ 1");
    requirePositive("peer-timeout", peerTimeout);
    requirePositive("test-wait", testWait);
    requirePositive("watch-interval", watchInterval);
    requirePositive("sweep-interval", sweepInterval);
    promptRetention.ifPresent(time -> require(!time.isNegative(), "prompt-retention", time, "≥ 0"));
    require(learner.maxSessions() >= 1, "learner-sessions", learner.maxSessions(), "≥ 1");
    require(
        learner.maxSessionsPerTenant() >= 1,
        "learner-sessions-per-tenant",
        learner.maxSessionsPerTenant(),
        "≥ 1");
    require(learner.maxMemoryBytes() > 0, "learner-memory-bytes", learner.maxMemoryBytes(), "> 0");
    require(
        learner.memorySharePerTenant() > 0 && learner.memorySharePerTenant() <= 1,
        "learner-memory-share-per-tenant",
        learner.memorySharePerTenant(),
        "> 0 and ≤ 1");
    require(
        learner.maxQueuedOperations() >= 1, "learner-queue", learner.maxQueuedOperations(), "≥ 1");
    require(
        learner.sampleWindow() >= 1 && learner.sampleWindow() <= MAX_WINDOW,
        "learner-sample-window",
        learner.sampleWindow(),
        "1 to 256");
    requirePositive("learner-idle-timeout", learner.idleTimeout());
  }

  /**
   * Reads {@code properties}.
   *
   * @throws IllegalArgumentException if one is out of its range, naming it
   */
  public static OrchestratorConfig from(OrchestratorProperties properties) {
    return new OrchestratorConfig(
        properties.concurrentRuns(),
        properties.runsPerTenant(),
        properties.tokensPerPass(),
        properties.trainingLanes(),
        properties.rolloutsInMemory(),
        new Patience.Limits(
            properties.peerPatience(), properties.retryFirstWait(), properties.retryLongestWait()),
        properties.retryBudget(),
        properties.peerTimeout(),
        properties.testWait(),
        properties.watchInterval(),
        properties.sweepInterval(),
        properties.promptRetention(),
        properties.tensorboardFolder(),
        properties.arithmetic(),
        new LearnerLimits(
            properties.learnerSessions(),
            properties.learnerSessionsPerTenant(),
            properties.learnerMemoryBytes(),
            properties.learnerMemorySharePerTenant(),
            properties.learnerQueue(),
            properties.learnerSampleWindow(),
            properties.learnerIdleTimeout()));
  }

  private static void requirePositive(String property, Duration value) {
    require(value.isPositive(), property, value, "> 0");
  }

  private static void require(boolean holds, String property, Object value, String expected) {
    if (!holds) {
      throw new IllegalArgumentException(
          "ballast.orchestrator.%s: %s (expected: %s)".formatted(property, value, expected));
    }
  }
}
