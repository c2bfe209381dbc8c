package io.ballast.kit.audit;

import java.util.Optional;

/** Verifies one trail, entry after entry, without trusting whoever hands them over. */
public final class AuditChain {
  private long sequence;
  private String sha256 = AuditEntry.BEGINNING;

  /**
   * Takes the next entry.
   *
   * @return what is wrong with it; empty: it follows, and is what was hashed
   */
  public Optional<String> add(AuditEntry entry) {
    if (entry.sequence() != sequence + 1) {
      return Optional.of(
          "entry %,d follows entry %,d: what stood between them is gone"
              .formatted(entry.sequence(), sequence));
    }
    if (!entry.previousSha256().equals(sha256)) {
      return Optional.of(
          "entry %,d does not follow entry %,d: it was made after another one"
              .formatted(entry.sequence(), sequence));
    }
    if (!entry.sha256().equals(entry.computedSha256())) {
      return Optional.of("entry %,d is not what was hashed".formatted(entry.sequence()));
    }
    sequence = entry.sequence();
    sha256 = entry.sha256();
    return Optional.empty();
  }

  /** How many entries were taken. */
  public long length() {
    return sequence;
  }

  /** The hash of the last one: whoever keeps it elsewhere notices that a trail was made anew. */
  public String head() {
    return sha256;
  }
}
