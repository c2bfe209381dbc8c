package io.ballast.kit.security;

import java.time.Duration;
import java.util.Optional;

/**
 * How many connections there may be, and what one may take, before anything is kept of it.
 *
 * @param maxOpen connections at once, ≥ 1; one more is closed as it comes
 * @param maxWatches streams that watch the server's health at once, of all connections, ≥ 1
 * @param maxHeaderBytes of a call's headers together, ≥ 1,024
 * @param maxCalls under way at once on one connection, ≥ 1; a client keeps more back by itself
 * @param maxResets calls that a client may reset in {@link #RESET_WINDOW} on one connection, ≥ 1;
 *     one more ends it. A reset call is none of those under way, and has cost its beginning all the
 *     same
 * @param handshake how long a connection may take to be made, TLS included, above 0
 * @param maxAge after which a connection is to be made anew, so that who is behind it is looked at
 *     again; calls under way end on the old one. Empty: it stays
 * @param maxAgeGrace how long calls may take then to end on the old one, above 0; what is left is
 *     ended, such as streams that follow. Calls on one whose certificate has expired may take as
 *     long
 */
public record ConnectionLimits(
    int maxOpen,
    int maxWatches,
    int maxHeaderBytes,
    int maxCalls,
    int maxResets,
    Duration handshake,
    Optional<Duration> maxAge,
    Duration maxAgeGrace) {
  /** In which resets are counted. */
  public static final Duration RESET_WINDOW = Duration.ofSeconds(10);

  /** Checks the ranges. */
  public ConnectionLimits {
    require(maxOpen >= 1, "max-open", maxOpen, "≥ 1");
    require(maxWatches >= 1, "max-watches", maxWatches, "≥ 1");
    require(maxHeaderBytes >= 1_024, "max-header-size", maxHeaderBytes + " bytes", "≥ 1K");
    require(maxCalls >= 1, "max-calls", maxCalls, "≥ 1");
    require(maxResets >= 1, "max-resets", maxResets, "≥ 1");
    require(handshake.isPositive(), "handshake", handshake, "above 0");
    require(maxAge.map(Duration::isPositive).orElse(true), "max-age", maxAge, "above 0");
    require(maxAgeGrace.isPositive(), "max-age-grace", maxAgeGrace, "above 0");
  }

  /**
   * 4,096 of them, as many watches, each 16 KiB of headers, 4,096 calls, 20,000 resets, 20 s to be
   * made.
   */
  public static ConnectionLimits usual() {
    return new ConnectionLimits(
        4_096,
        4_096,
        16 << 10,
        4_096,
        20_000,
        Duration.ofSeconds(20),
        Optional.empty(),
        Duration.ofMinutes(10));
  }

  private static void require(boolean holds, String property, Object value, String expected) {
    if (!holds) {
      throw new IllegalArgumentException(
          "ballast.connections.%s: %s (expected: %s)".formatted(property, value, expected));
    }
  }
}
