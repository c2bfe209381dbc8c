package io.ballast.kit.call;

import java.time.Instant;
import java.time.InstantSource;
import java.util.UUID;
import java.util.random.RandomGenerator;

/**
 * Makes UUIDs of version 7: 48 bits of Unix milliseconds, then 74 random bits. Ids of one
 * millisecond come in no order. Source: RFC 9562, §5.7.
 */
public final class TimeOrderedIds {
  private static final int VERSION = 7;
  private static final int IETF_VARIANT = 2;

  private final InstantSource clock;
  private final RandomGenerator random;

  /**
   * @param random must be safe for use by many threads if this is
   */
  public TimeOrderedIds(InstantSource clock, RandomGenerator random) {
    this.clock = clock;
    this.random = random;
  }

  /** Returns a new id, issued now. */
  public UUID next() {
    long high = (clock.millis() << 16) | ((long) VERSION << 12) | (random.nextLong() & 0xFFFL);
    long low = 0x8000_0000_0000_0000L | (random.nextLong() >>> 2);
    return new UUID(high, low);
  }

  /** Whether {@code id} is a UUID of version 7 and so carries the time of its issue. */
  public static boolean isTimeOrdered(UUID id) {
    return id.version() == VERSION && id.variant() == IETF_VARIANT;
  }

  /**
   * Returns when {@code id} was issued, to the millisecond.
   *
   * @throws IllegalArgumentException if it is not of version 7
   */
  public static Instant issuedAt(UUID id) {
    if (!isTimeOrdered(id)) {
      throw new IllegalArgumentException(id + " (expected: a UUID of version 7)");
    }
    return Instant.ofEpochMilli(id.getMostSignificantBits() >>> 16);
  }
}
