package io.ballast.kit.grpc;

import java.util.HashMap;
import java.util.Map;

/**
 * So much of something, such as memory or places, as owners may have together. Where it is shared
 * out, an owner, such as a tenant or an address, may have no more than it leaves free, so that none
 * takes all: half if it is alone, and k that take what they can get at the same time leave one of k
 * + 1 parts. Thread-safe.
 *
 * <p>Source: Choudhury and Hahne 1998, "Dynamic queue length thresholds for shared-memory packet
 * switches", with a factor of 1.
 */
final class Shares {
  private final long most;
  private final boolean sharedOut;
  private final Map<String, Long> ofOwner = new HashMap<>();
  private long held;

  /**
   * @param most at once, ≥ 1
   * @param sharedOut whether an owner may have no more than it leaves free
   */
  Shares(long most, boolean sharedOut) {
    this.most = most;
    this.sharedOut = sharedOut;
  }

  long most() {
    return most;
  }

  synchronized long held() {
    return held;
  }

  /** What {@code owner} has; 0 where nothing is shared out. */
  synchronized long of(String owner) {
    return ofOwner.getOrDefault(owner, 0L);
  }

  /** Takes {@code amount} for {@code owner}, or nothing: whether there was room. */
  synchronized boolean take(String owner, long amount) {
    long free = most - held;
    if (amount > free) {
      return false;
    }
    if (sharedOut) {
      long own = of(owner) + amount;
      if (own > free) {
        return false;
      }
      ofOwner.put(owner, own);
    }
    held += amount;
    return true;
  }

  /** Gives back what was taken. */
  synchronized void give(String owner, long amount) {
    held -= amount;
    if (sharedOut) {
      ofOwner.computeIfPresent(owner, (_, own) -> own <= amount ? null : own - amount);
    }
  }
}
