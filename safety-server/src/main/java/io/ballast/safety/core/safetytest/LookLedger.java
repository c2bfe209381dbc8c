package io.ballast.safety.core.safetytest;

import io.ballast.kit.call.Texts;
import io.ballast.kit.digest.Sha256;
import io.ballast.kit.error.MeshException;
import java.util.List;
import java.util.Optional;

/** Shows the looks that tests took. The store takes them. */
public final class LookLedger {
  private static final int MOST_LISTED = 1_000;
  private static final int LISTED = 100;

  private final SafetyTestStore store;

  public LookLedger(SafetyTestStore store) {
    this.store = store;
  }

  /**
   * Looks, newest first.
   *
   * @param promptsSha256 only at this set; empty: at any
   * @param tenant of a caller that is bound to one, who sees those of its tests; empty: any
   * @param pageSize 0: 100
   * @throws MeshException MALFORMED_REQUEST if one is out of its range
   */
  public List<LedgerEntry> list(String promptsSha256, Optional<String> tenant, int pageSize) {
    if (!promptsSha256.isEmpty() && !Sha256.matches(promptsSha256)) {
      throw Texts.malformed(
          "prompts_sha256",
          "%d characters (expected: 64 lower-case hexadecimal digits, or none)"
              .formatted(promptsSha256.length()));
    }
    if (pageSize < 0 || pageSize > MOST_LISTED) {
      throw Texts.malformed(
          "page_size", "%,d (expected: 1 to %,d, or 0)".formatted(pageSize, MOST_LISTED));
    }
    return store.ledger(promptsSha256, tenant, pageSize == 0 ? LISTED : pageSize);
  }
}
