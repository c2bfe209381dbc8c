package io.ballast.reward.adapter;

import java.net.http.HttpResponse;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.InstantSource;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;

/**
 * How long a server wants to be left alone: {@code Retry-After} of its answers 429 and 503, in
 * seconds or as a date (RFC 9110, 10.2.3), at most a minute. Thread-safe.
 */
final class Backoff {
  private static final Duration MOST = Duration.ofMinutes(1);
  private static final int TOO_MANY_REQUESTS = 429;
  private static final int UNAVAILABLE = 503;

  private final InstantSource clock;
  private final LongSupplier nanoTime;
  private final long start;
  private final AtomicLong until = new AtomicLong();

  /**
   * @param clock what dates are compared with
   * @param nanoTime measures the time since
   */
  Backoff(InstantSource clock, LongSupplier nanoTime) {
    this.clock = clock;
    this.nanoTime = nanoTime;
    this.start = nanoTime.getAsLong();
  }

  /** How much longer; zero if it may be asked now. */
  Duration left() {
    long left = until.get() - since();
    return left > 0 ? Duration.ofNanos(left) : Duration.ZERO;
  }

  /** Takes notice of an answer. */
  void heed(HttpResponse<?> response) {
    if (response.statusCode() == TOO_MANY_REQUESTS || response.statusCode() == UNAVAILABLE) {
      response
          .headers()
          .firstValue("Retry-After")
          .flatMap(this::wanted)
          .filter(Duration::isPositive)
          .map(wanted -> wanted.compareTo(MOST) < 0 ? wanted : MOST)
          .ifPresent(
              wanted -> {
                long end = since() + wanted.toNanos();
                var unused = until.accumulateAndGet(end, Math::max);
              });
    }
  }

  private long since() {
    return nanoTime.getAsLong() - start;
  }

  private Optional<Duration> wanted(String header) {
    String text = header.strip();
    try {
      if (text.matches("[0-9]{1,9}")) {
        return Optional.of(Duration.ofSeconds(Long.parseLong(text)));
      }
      return Optional.of(
          Duration.between(
              clock.instant(),
              ZonedDateTime.parse(text, DateTimeFormatter.RFC_1123_DATE_TIME).toInstant()));
    } catch (DateTimeException e) {
      return Optional.empty(); // no hint
    }
  }
}
