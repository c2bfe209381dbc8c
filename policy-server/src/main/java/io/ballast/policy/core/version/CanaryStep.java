package io.ballast.policy.core.version;

import io.ballast.kit.call.Texts;
import io.ballast.kit.error.MeshException;
import io.ballast.policy.core.feedback.Payload;

/**
 * What a move says of a canary: its beginning or its end.
 *
 * @param version the version that serves a part of the requests
 * @param share the part, in ten-thousandths, 1 to 5,000; 0 in the request for an end
 * @param startRevision since which it must be under way; 0: any, or it begins
 * @param reason why it ends; empty at its beginning
 * @param numbers what that rests on, as it is kept
 */
public record CanaryStep(
    String version, int share, long startRevision, String reason, Payload numbers) {
  /** How many buckets there are. */
  public static final int BUCKETS = 10_000;

  private static final int MOST_SHARE = BUCKETS / 2;
  private static final double SHARE_TOLERANCE = 1e-6;
  private static final int LEAST_REASON = 10;
  private static final int MOST_REASON = 1_000;

  /**
   * The beginning of one.
   *
   * @throws MeshException MALFORMED_REQUEST for a share that is none
   */
  public static CanaryStep begin(String version, double share) {
    long buckets = Math.round(share * BUCKETS);
    boolean holds =
        buckets >= 1
            && buckets <= MOST_SHARE
            && Math.abs(share * BUCKETS - buckets) <= SHARE_TOLERANCE;
    if (!holds) {
      throw Texts.malformed(
          "canary.share", share + " (expected: 0.0001 to 0.5, in steps of 0.0001)");
    }
    return new CanaryStep(version, (int) buckets, 0, "", Payload.of(new byte[0]));
  }

  /**
   * The end of one.
   *
   * @throws MeshException MALFORMED_REQUEST for a reason of under 10 or over 1,000 characters, or a
   *     revision below 0
   */
  public static CanaryStep end(String version, long startRevision, String reason, Payload numbers) {
    if (startRevision < 0) {
      throw Texts.malformed("start_revision", startRevision + " (expected: at least 0)");
    }
    String why = Texts.requireLine("reason", reason.strip(), MOST_REASON);
    if (why.length() < LEAST_REASON) {
      throw Texts.malformed(
          "reason",
          "%d characters (expected: %d to %,d)".formatted(why.length(), LEAST_REASON, MOST_REASON));
    }
    return new CanaryStep(
        Texts.requireName("canary_version", version), 0, startRevision, why, numbers);
  }

  /** The same with the share that it was begun with. */
  CanaryStep withShare(int begun) {
    return new CanaryStep(version, begun, startRevision, reason, numbers);
  }
}
