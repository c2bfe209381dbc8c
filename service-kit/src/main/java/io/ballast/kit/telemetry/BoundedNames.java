package io.ballast.kit.telemetry;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Names that callers choose, as tags: the first so many are told apart, all others are {@code
 * other}. So whoever invents names fills neither memory nor a Prometheus. Thread-safe.
 */
public final class BoundedNames {
  /** What stands for the rest. */
  public static final String OTHER = "other";

  private final int limit;
  private final Set<String> known = ConcurrentHashMap.newKeySet();

  /**
   * @param limit how many are told apart, ≥ 0
   */
  public BoundedNames(int limit) {
    this.limit = limit;
  }

  /** The tag of a name: itself if it is among the first. */
  public String tag(String name) {
    if (known.contains(name)) {
      return name;
    }
    synchronized (known) {
      if (known.size() < limit) {
        known.add(name);
        return name;
      }
    }
    return OTHER;
  }
}
