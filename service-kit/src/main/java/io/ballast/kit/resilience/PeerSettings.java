package io.ballast.kit.resilience;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * How a peer is called.
 *
 * @param callTimeout the longest a unary call may take, retries included; a caller's deadline that
 *     leaves less wins
 * @param maxInFlight calls at once; one more is refused
 * @param failureRatePercent of the last calls at which the breaker opens, 1 to 100
 * @param slidingWindowCalls how many last calls count, ≥ 1
 * @param openDuration how long the breaker refuses before it tries again
 * @param maxMessageBytes the longest answer taken
 * @param answerReserve what a call leaves of its caller's time to answer that one, ≥ 0; at most a
 *     tenth of what is left
 * @param balancing how calls are spread over replicas
 */
public record PeerSettings(
    Duration callTimeout,
    int maxInFlight,
    int failureRatePercent,
    int slidingWindowCalls,
    Duration openDuration,
    int maxMessageBytes,
    Duration answerReserve,
    BalancingSettings balancing) {
  /** No reserve takes more of what is left than one part of so many. */
  private static final int LEAST_PARTS = 10;

  /** Checks the ranges. */
  public PeerSettings {
    Ranges.require(callTimeout.isPositive(), "peer call timeout", callTimeout, "> 0");
    Ranges.require(maxInFlight >= 1, "peer max in flight", maxInFlight, "≥ 1");
    Ranges.require(
        failureRatePercent >= 1 && failureRatePercent <= 100,
        "peer failure rate",
        failureRatePercent,
        "1 to 100 %");
    Ranges.require(slidingWindowCalls >= 1, "peer sliding window", slidingWindowCalls, "≥ 1");
    Ranges.require(openDuration.isPositive(), "peer open duration", openDuration, "> 0");
    Ranges.require(maxMessageBytes >= 1, "peer max message size", maxMessageBytes, "≥ 1");
    Ranges.require(!answerReserve.isNegative(), "peer answer reserve", answerReserve, "≥ 0");
  }

  /** A reserve of 5 ms, spread as usual. */
  public PeerSettings(
      Duration callTimeout,
      int maxInFlight,
      int failureRatePercent,
      int slidingWindowCalls,
      Duration openDuration,
      int maxMessageBytes) {
    this(
        callTimeout,
        maxInFlight,
        failureRatePercent,
        slidingWindowCalls,
        openDuration,
        maxMessageBytes,
        Duration.ofMillis(5),
        BalancingSettings.defaults());
  }

  /** 60 s, 256 calls, open for 2 s at 50 % of 20 calls, 64 MiB. */
  public static PeerSettings defaults() {
    return new PeerSettings(Duration.ofSeconds(60), 256, 50, 20, Duration.ofSeconds(2), 64 << 20);
  }

  /** What of {@code left} a call to the peer leaves for the answer to its own caller. */
  public Duration reserveOf(Duration left) {
    Duration most = left.isNegative() ? Duration.ZERO : left.dividedBy(LEAST_PARTS);
    return answerReserve.compareTo(most) < 0 ? answerReserve : most;
  }

  /**
   * The service config of grpc-java: how calls are spread over healthy replicas; UNAVAILABLE is
   * tried again twice, with jitter, for the calls that work a model and have no side effects, as
   * the option {@code idempotency_level} of their protos says; what else it says that of are cheap
   * reads, which may be hedged. The throttle is the retry budget: a failure takes one of ten
   * tokens, a success gives a tenth of one back, and nothing is tried again with five or less. So
   * retries come to a tenth of the calls that succeed and four more at most, and to none while more
   * than one in eleven fails.
   */
  public Map<String, ?> serviceConfig() {
    List<Map<String, ?>> work =
        List.of(
            Map.of("service", "ballast.reward.v1.RewardService", "method", "Score"),
            Map.of("service", "ballast.reward.v1.RewardService", "method", "Compare"),
            Map.of("service", "ballast.safety.v1.SafetyService", "method", "Cost"),
            Map.of("service", "ballast.safety.v1.DisplayGateService"),
            Map.of("service", "ballast.policy.v1.PolicyService", "method", "LogProbs"));
    Map<String, ?> retry =
        Map.of(
            "maxAttempts",
            3.0,
            "initialBackoff",
            "0.05s",
            "maxBackoff",
            "0.5s",
            "backoffMultiplier",
            2.0,
            "retryableStatusCodes",
            List.of("UNAVAILABLE"));
    List<Map<String, ?>> methods = new ArrayList<>();
    methods.add(Map.of("name", work, "retryPolicy", retry));
    balancing.hedging().ifPresent(methods::add);
    return Map.of(
        "loadBalancingConfig",
        balancing.loadBalancing(),
        "healthCheckConfig",
        Map.of("serviceName", ""),
        "methodConfig",
        methods,
        "retryThrottling",
        Map.of("maxTokens", 10.0, "tokenRatio", 0.1));
  }
}
