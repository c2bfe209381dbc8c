package io.ballast.kit.security;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.github.resilience4j.ratelimiter.RateLimiter;
import io.github.resilience4j.ratelimiter.RateLimiterConfig;
import java.time.Duration;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.Map;

/**
 * How many calls a second each tenant may make of this process by each right, each request of a
 * stream being one; one more is refused at once. A tenant may have numbers of its own. A principal
 * of any tenant counts by its own name. The mesh's own token has no limit: its servers show it to
 * each other, on behalf of all tenants at once. Thread-safe.
 */
public final class RateLimits {
  private static final Duration PERIOD = Duration.ofSeconds(1);

  /** Whoever was not heard of for long is forgotten first: they begin anew with all of a second. */
  private static final int MOST_KEPT = 10_000;

  private final Map<Right, RateLimiterConfig> limits;

  /** Of tenants that have some of their own: theirs, and those of all where they have none. */
  private final Map<String, Map<Right, RateLimiterConfig>> limitsOf = new HashMap<>();

  private final Cache<Counted, RateLimiter> kept =
      Caffeine.newBuilder().maximumSize(MOST_KEPT).build();

  private record Counted(String who, Right right) {}

  /**
   * @param callsPerSecond by right, ≥ 1; a right that is left out has no limit
   */
  public RateLimits(Map<Right, Integer> callsPerSecond) {
    this(callsPerSecond, Map.of());
  }

  /**
   * @param callsPerSecond of each tenant, by right, ≥ 1; a right that is left out has no limit
   * @param ofTenants for whom others hold, by tenant; a right that is left out has the limit of all
   */
  public RateLimits(
      Map<Right, Integer> callsPerSecond, Map<String, Map<Right, Integer>> ofTenants) {
    limits = limits("ballast.security.calls-per-second", callsPerSecond);
    ofTenants.forEach(
        (tenant, own) -> {
          Map<Right, RateLimiterConfig> all = new EnumMap<>(limits);
          all.putAll(
              limits("ballast.security.tenants.\"%s\".calls-per-second".formatted(tenant), own));
          limitsOf.put(tenant, all);
        });
  }

  private static Map<Right, RateLimiterConfig> limits(
      String property, Map<Right, Integer> callsPerSecond) {
    Map<Right, RateLimiterConfig> limits = new EnumMap<>(Right.class);
    callsPerSecond.forEach(
        (right, calls) -> {
          if (calls < 1) {
            throw new IllegalArgumentException(
                "%s.%s: %d (expected: ≥ 1)".formatted(property, right.label(), calls));
          }
          limits.put(
              right,
              RateLimiterConfig.custom()
                  .limitForPeriod(calls)
                  .limitRefreshPeriod(PERIOD)
                  .timeoutDuration(Duration.ZERO)
                  .build());
        });
    return limits;
  }

  /** No limits. */
  public static RateLimits none() {
    return new RateLimits(Map.of());
  }

  /**
   * Counts a call, or another request of a stream.
   *
   * @param right by which it is made
   * @throws MeshException OVERLOADED if it is one too many
   */
  public void count(Principal principal, Right right) {
    RateLimiterConfig limit =
        principal
            .tenant()
            .map(tenant -> limitsOf.getOrDefault(tenant, limits))
            .orElse(limits)
            .get(right);
    if (limit == null || principal.proof() == Principal.Proof.TOKEN) {
      return;
    }
    String who = principal.tenant().map(tenant -> "tenant " + tenant).orElse(principal.name());
    RateLimiter limiter =
        kept.get(new Counted(who, right), counted -> RateLimiter.of(counted.who(), limit));
    if (!limiter.acquirePermission()) {
      throw new MeshException(
          Fault.OVERLOADED,
          "%s: more than %,d calls a second as %s, the limit; slow down"
              .formatted(who, limit.getLimitForPeriod(), right.label()),
          Map.of(
              "limit",
              Integer.toString(limit.getLimitForPeriod()),
              "right",
              right.label(),
              MeshException.SHED,
              "calls_per_second"));
    }
  }
}
