package io.ballast.policy.core.version;

import io.ballast.kit.digest.Sha256;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/**
 * Who is served by the canary of an alias: those whose bucket is below its share. A bucket depends
 * on nothing but names, so that every replica says the same and nobody changes sides on the way.
 */
public final class CanarySplit {
  private final Sticky sticky;

  public CanarySplit(Sticky sticky) {
    this.sticky = sticky;
  }

  /** Who stays on one side. */
  public enum Sticky {
    /** All users of a tenant see the same version. */
    TENANT,
    /** Each user sees one version; those without a name go with their tenant. */
    USER
  }

  /** Who asks. */
  public record Subject(String tenant, String user) {}

  boolean takes(String model, String alias, Subject subject, int share) {
    return bucket(model, alias, subject) < share;
  }

  /**
   * The first 8 bytes, as a number without sign, of SHA-256 over model, alias, tenant and, if that
   * is what stays on one side, user, each ended by a newline, modulo 10,000.
   */
  int bucket(String model, String alias, Subject subject) {
    String user = sticky == Sticky.USER ? subject.user() : "";
    String key = String.join("\n", model, alias, subject.tenant(), user, "");
    byte[] hash = Sha256.digest().digest(key.getBytes(StandardCharsets.UTF_8));
    return (int) Long.remainderUnsigned(ByteBuffer.wrap(hash).getLong(), CanaryStep.BUCKETS);
  }
}
