package io.ballast.kit.security;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.github.resilience4j.ratelimiter.RateLimiter;
import io.github.resilience4j.ratelimiter.RateLimiterConfig;
import java.time.Duration;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * How many proofs that prove nothing are looked at a second from one address: a signature costs
 * whoever checks it more than whoever makes it up. Thread-safe.
 */
final class FailedProofs {
  private static final Logger LOG = LoggerFactory.getLogger(FailedProofs.class);

  private static final Duration PERIOD = Duration.ofSeconds(1);

  /** Whoever was not heard of for long is forgotten first. */
  private static final int MOST_KEPT = 10_000;

  private final RateLimiterConfig limit;

  /** The log is told once a minute, whoever they are. */
  private final RateLimiter news = RateLimiter.of("news", limit(1, Duration.ofMinutes(1)));

  private final Cache<String, RateLimiter> kept =
      Caffeine.newBuilder().maximumSize(MOST_KEPT).build();

  /**
   * @param perSecond of one address, ≥ 1
   */
  FailedProofs(int perSecond) {
    limit = limit(perSecond, PERIOD);
  }

  private static RateLimiterConfig limit(int each, Duration period) {
    return RateLimiterConfig.custom()
        .limitForPeriod(each)
        .limitRefreshPeriod(period)
        .timeoutDuration(Duration.ZERO)
        .build();
  }

  /**
   * Refuses to look at a proof from an address that showed too many that prove nothing.
   *
   * @throws MeshException OVERLOADED
   */
  void require(String from) {
    RateLimiter limiter = kept.getIfPresent(from);
    if (limiter != null && limiter.getMetrics().getAvailablePermissions() < 1) {
      if (news.acquirePermission()) {
        LOG.warn(
            "{} shows more than {} tokens a second that prove nothing; no other of its is looked at",
            from.isEmpty() ? "somebody over HTTP" : from,
            limit.getLimitForPeriod());
      }
      throw new MeshException(
          Fault.OVERLOADED,
          "more than %,d tokens a second from this address prove nothing; no other is looked at now"
              .formatted(limit.getLimitForPeriod()),
          Map.of(
              "limit",
              Integer.toString(limit.getLimitForPeriod()),
              MeshException.SHED,
              "failed_proofs"));
    }
  }

  /** Counts one that proves nothing. */
  void count(String from) {
    var unused = kept.get(from, _ -> RateLimiter.of("failed proofs", limit)).acquirePermission();
  }
}
