package io.ballast.kit.audit;

import io.ballast.kit.digest.Sha256;

/**
 * One act, and its link to the one before.
 *
 * @param trail the schema that keeps it, or the server
 * @param sequence its place, from 1 without gaps
 * @param content what was done, a JSON object on one line, exactly as it was hashed
 * @param previousSha256 the hash of the entry before; of the first {@link #BEGINNING}
 * @param sha256 the hash of this one, as it is kept
 */
public record AuditEntry(
    String trail, long sequence, String content, String previousSha256, String sha256) {
  /** What the first entry follows. */
  public static final String BEGINNING = "0".repeat(64);

  /** What the hash must be. */
  public String computedSha256() {
    return Sha256.of(previousSha256 + "\n" + content);
  }
}
