package io.ballast.kit.grpc;

import java.util.HashMap;
import java.util.Map;

/**
 * Memory that requests may take together. Where it is shared out, an owner, such as a tenant or an
 * address, may have no more of it than it leaves free, as with {@link HealthWatches}: half if it is
 * alone. Thread-safe.
 */
final class HeldBytes {
  private final long most;
  private final boolean sharedOut;
  private final Map<String, Long> ofOwner = new HashMap<>();
  private long held;

  /**
   * @param most bytes at once, ≥ 1
   * @param sharedOut whether an owner may have no more than it leaves free
   */
  HeldBytes(long most, boolean sharedOut) {
    this.most = most;
    this.sharedOut = sharedOut;
  }

  long most() {
    return most;
  }

  synchronized long held() {
    return held;
  }

  /** Takes them for a request of {@code owner}, or nothing: whether there was room. */
  synchronized boolean take(String owner, long bytes) {
    long free = most - held;
    if (bytes > free) {
      return false;
    }
    if (sharedOut) {
      long own = ofOwner.getOrDefault(owner, 0L) + bytes;
      if (own > free) {
        return false;
      }
      ofOwner.put(owner, own);
    }
    held += bytes;
    return true;
  }

  /** Gives back what was taken. */
  synchronized void give(String owner, long bytes) {
    held -= bytes;
    if (sharedOut) {
      ofOwner.computeIfPresent(owner, (_, own) -> own <= bytes ? null : own - bytes);
    }
  }
}
