package io.ballast.kit.grpc;

import java.util.HashMap;
import java.util.Map;

/**
 * Memory that requests may take together. Where it is shared out, an address may have no more of it
 * than it leaves free, as with {@link HealthWatches}. Thread-safe.
 */
final class HeldBytes {
  private final long most;
  private final boolean sharedOut;
  private final Map<String, Long> ofAddress = new HashMap<>();
  private long held;

  /**
   * @param most bytes at once, ≥ 1
   * @param sharedOut whether an address may have no more than it leaves free
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

  /** Takes them for a request from {@code address}, or nothing: whether there was room. */
  synchronized boolean take(String address, long bytes) {
    long free = most - held;
    if (bytes > free) {
      return false;
    }
    if (sharedOut) {
      long own = ofAddress.getOrDefault(address, 0L) + bytes;
      if (own > free) {
        return false;
      }
      ofAddress.put(address, own);
    }
    held += bytes;
    return true;
  }

  /** Gives back what was taken. */
  synchronized void give(String address, long bytes) {
    held -= bytes;
    if (sharedOut) {
      ofAddress.computeIfPresent(address, (_, own) -> own <= bytes ? null : own - bytes);
    }
  }
}
