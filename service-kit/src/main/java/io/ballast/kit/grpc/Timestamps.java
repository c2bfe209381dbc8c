package io.ballast.kit.grpc;

import com.google.protobuf.Timestamp;
import io.ballast.kit.call.Texts;
import java.time.Instant;

/** Points in time on the wire. */
public final class Timestamps {
  /** 0001-01-01 and 9999-12-31T23:59:59: what the wire format allows. */
  private static final long FIRST_SECOND = -62_135_596_800L;

  private static final long LAST_SECOND = 253_402_300_799L;

  private Timestamps() {}

  /** Returns an instant as it is sent. */
  public static Timestamp of(Instant instant) {
    return Timestamp.newBuilder()
        .setSeconds(instant.getEpochSecond())
        .setNanos(instant.getNano())
        .build();
  }

  /**
   * Returns the instant of a timestamp that {@link #requireValid} let through, or that a server of
   * the mesh wrote.
   */
  public static Instant instant(Timestamp timestamp) {
    return Instant.ofEpochSecond(timestamp.getSeconds(), timestamp.getNanos());
  }

  /**
   * Checks that {@code timestamp} is one.
   *
   * @throws io.ballast.kit.error.MeshException MALFORMED_REQUEST naming {@code field} if it is not
   */
  public static void requireValid(String field, Timestamp timestamp) {
    boolean holds =
        timestamp.getSeconds() >= FIRST_SECOND
            && timestamp.getSeconds() <= LAST_SECOND
            && timestamp.getNanos() >= 0
            && timestamp.getNanos() <= 999_999_999;
    if (!holds) {
      throw Texts.malformed(
          field,
          "%d s, %d ns (expected: years 1 to 9999, 0 to 999,999,999 ns)"
              .formatted(timestamp.getSeconds(), timestamp.getNanos()));
    }
  }
}
