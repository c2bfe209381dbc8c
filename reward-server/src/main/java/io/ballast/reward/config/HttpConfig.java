package io.ballast.reward.config;

import java.time.Duration;

/**
 * How rewards are answered over HTTP, checked once.
 *
 * @param enabled whether they are
 * @param timeout of a request that does not say, and the most that one may say
 * @param maxBodyBytes of a request
 * @param maxHeldBytes of the bodies of all requests that are not answered yet
 */
public record HttpConfig(boolean enabled, Duration timeout, int maxBodyBytes, int maxHeldBytes) {
  private static final int MOST_BODY_BYTES = 10 << 20;

  public HttpConfig {
    require(timeout.isPositive(), "timeout", timeout, "> 0");
    require(
        maxBodyBytes >= 1 && maxBodyBytes <= MOST_BODY_BYTES,
        "max-body-bytes",
        maxBodyBytes,
        "1 to 10,485,760");
    require(
        maxHeldBytes >= maxBodyBytes,
        "max-held-bytes",
        maxHeldBytes,
        "at least max-body-bytes, %,d".formatted(maxBodyBytes));
  }

  /**
   * Reads {@code properties}.
   *
   * @throws IllegalArgumentException if one is out of its range, naming it
   */
  public static HttpConfig from(HttpProperties properties) {
    return new HttpConfig(
        properties.enabled(),
        properties.timeout(),
        properties.maxBodyBytes(),
        properties.maxHeldBytes());
  }

  /**
   * Returns this, checked against what else the port allows.
   *
   * @param idle after which the port closes a connection on which nothing came or went; 0: never
   * @throws IllegalArgumentException if it would close one that waits for its answer
   */
  public HttpConfig within(Duration idle) {
    require(
        !enabled || idle.isZero() || timeout.compareTo(idle) < 0,
        "timeout",
        timeout,
        "below quarkus.http.idle-timeout, " + idle);
    return this;
  }

  private static void require(boolean holds, String property, Object value, String expected) {
    if (!holds) {
      throw new IllegalArgumentException(
          "ballast.reward.http.%s: %s (expected: %s)".formatted(property, value, expected));
    }
  }
}
