package io.ballast.kit.resilience;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * How calls are spread over the replicas of a peer, in words of grpc-java's service config.
 *
 * @param hedgingDelay after so long a cheap read is asked of another replica too, and the first
 *     answer counts; empty: never
 * @param ejectionInterval how often replicas are looked for that fail nearly all calls; zero: never
 * @param ejectionTime how long such a one is not called the first time; longer each time
 * @param slowStart how long it takes until a replica that has just come gets as many calls as the
 *     others; zero: at once
 */
public record BalancingSettings(
    Optional<Duration> hedgingDelay,
    Duration ejectionInterval,
    Duration ejectionTime,
    Duration slowStart) {
  /** The name of round robin in service configs. */
  public static final String ROUND_ROBIN = "round_robin";

  /** That of round robin with shares that grow. */
  public static final String SLOW_START = "ballast_slow_start";

  /** The field of its configuration: how long they grow, a number. */
  public static final String WINDOW_SECONDS = "windowSeconds";

  /** A replica fails nearly all calls: one that sheds load at twice its capacity does not. */
  private static final double EJECTED_AT_PERCENT = 85;

  /** Of fewer calls in an interval nothing is concluded. */
  private static final double LEAST_CALLS = 10;

  /** Nobody more is left out once so many of the replicas are. */
  private static final double MOST_EJECTED_PERCENT = 50;

  /** A replica is never left out for longer than so many times the first time. */
  private static final int LONGEST_TIMES = 10;

  /** Checks the ranges. */
  public BalancingSettings {
    hedgingDelay.ifPresent(
        delay -> Ranges.require(delay.isPositive(), "peer hedging delay", delay, "> 0"));
    Ranges.require(
        !ejectionInterval.isNegative(), "peer ejection interval", ejectionInterval, "≥ 0");
    Ranges.require(ejectionTime.isPositive(), "peer ejection time", ejectionTime, "> 0");
    Ranges.require(!slowStart.isNegative(), "peer slow start", slowStart, "≥ 0");
  }

  /**
   * No hedges; every 10 s replicas that fail nearly all calls are left out, for 30 s at first; new
   * replicas have a full share after 10 s.
   */
  public static BalancingSettings defaults() {
    return new BalancingSettings(
        Optional.empty(), Duration.ofSeconds(10), Duration.ofSeconds(30), Duration.ofSeconds(10));
  }

  /**
   * Round robin over healthy replicas, without those that fail nearly all calls, and with a share
   * for a new one that grows.
   */
  List<Map<String, ?>> loadBalancing() {
    List<Map<String, ?>> shares =
        List.of(
            slowStart.isZero()
                ? Map.of(ROUND_ROBIN, Map.of())
                : Map.of(SLOW_START, Map.of(WINDOW_SECONDS, slowStart.toNanos() / 1e9)));
    if (ejectionInterval.isZero()) {
      return shares;
    }
    return List.of(
        Map.of(
            "outlier_detection_experimental",
            Map.of(
                "interval",
                seconds(ejectionInterval),
                "baseEjectionTime",
                seconds(ejectionTime),
                "maxEjectionTime",
                seconds(ejectionTime.multipliedBy(LONGEST_TIMES)),
                "maxEjectionPercent",
                MOST_EJECTED_PERCENT,
                "failurePercentageEjection",
                Map.of(
                    "threshold",
                    EJECTED_AT_PERCENT,
                    "enforcementPercentage",
                    100.0,
                    "minimumHosts",
                    2.0,
                    "requestVolume",
                    LEAST_CALLS),
                "childPolicy",
                shares)));
  }

  /**
   * The cheap reads, which have no side effects, as their protos say, and may be asked of two at a
   * time; empty: no hedges. GetSafetyTest is none of them: it may wait for the test to end.
   */
  Optional<Map<String, ?>> hedging() {
    return hedgingDelay.map(
        delay ->
            Map.of(
                "name",
                reads().toList(),
                "hedgingPolicy",
                Map.of(
                    "maxAttempts",
                    2.0,
                    "hedgingDelay",
                    seconds(delay),
                    "nonFatalStatusCodes",
                    List.of("UNAVAILABLE"))));
  }

  private static Stream<Map<String, ?>> reads() {
    return Stream.of(
            methods(
                "ballast.policy.v1.VersionService", "GetVersion", "ListVersions", "ListAliases"),
            methods("ballast.policy.v1.FeedbackService", "GetSuggestion"),
            methods("ballast.reward.v1.RewardService", "ListRewardModels", "GetGoldenScores"),
            methods("ballast.reward.v1.RewardTrainingService", "GetTraining", "ListTrainings"),
            methods(
                "ballast.safety.v1.SafetyService",
                "ListSafetyTests",
                "GetCertificate",
                "GetVerdict",
                "GetLedger",
                "ListCanaryWatches",
                "GetVerificationKeys"),
            methods("ballast.orchestrator.v1.RunService", "GetRun", "ListRuns"))
        .flatMap(each -> each);
  }

  private static Stream<Map<String, ?>> methods(String service, String... methods) {
    return Stream.of(methods).map(method -> Map.of("service", service, "method", method));
  }

  private static String seconds(Duration duration) {
    return "%d.%09ds".formatted(duration.toSeconds(), duration.getNano());
  }
}
