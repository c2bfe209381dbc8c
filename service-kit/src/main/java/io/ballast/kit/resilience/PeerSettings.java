package io.ballast.kit.resilience;

import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import java.time.Duration;
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
 */
public record PeerSettings(
    Duration callTimeout,
    int maxInFlight,
    int failureRatePercent,
    int slidingWindowCalls,
    Duration openDuration,
    int maxMessageBytes) {
  /** Checks the ranges. */
  public PeerSettings {
    require(callTimeout.isPositive(), "peer call timeout", callTimeout, "> 0");
    require(maxInFlight >= 1, "peer max in flight", maxInFlight, "≥ 1");
    require(
        failureRatePercent >= 1 && failureRatePercent <= 100,
        "peer failure rate",
        failureRatePercent,
        "1 to 100 %");
    require(slidingWindowCalls >= 1, "peer sliding window", slidingWindowCalls, "≥ 1");
    require(openDuration.isPositive(), "peer open duration", openDuration, "> 0");
    require(maxMessageBytes >= 1, "peer max message size", maxMessageBytes, "≥ 1");
  }

  /** 60 s, 256 calls, open for 2 s at 50 % of 20 calls, 64 MiB. */
  public static PeerSettings defaults() {
    return new PeerSettings(Duration.ofSeconds(60), 256, 50, 20, Duration.ofSeconds(2), 64 << 20);
  }

  /**
   * The service config of grpc-java: round robin over healthy addresses; UNAVAILABLE is tried again
   * twice, with jitter, for the calls that the protos call idempotent and that cost little to
   * repeat. The throttle is the retry budget: it stops retries when more than a few calls in a
   * hundred fail.
   */
  public Map<String, ?> serviceConfig() {
    List<Map<String, ?>> idempotent =
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
    return Map.of(
        "loadBalancingConfig",
        List.of(Map.of("round_robin", Map.of())),
        "healthCheckConfig",
        Map.of("serviceName", ""),
        "methodConfig",
        List.of(Map.of("name", idempotent, "retryPolicy", retry)),
        "retryThrottling",
        Map.of("maxTokens", 20.0, "tokenRatio", 0.05));
  }

  private static void require(boolean holds, String name, Object value, String allowed) {
    if (!holds) {
      throw new MeshException(
          Fault.MALFORMED_REQUEST,
          "%s: %s (allowed: %s)".formatted(name, value, allowed),
          Map.of("field", name, "value", value.toString(), "allowed", allowed));
    }
  }
}
