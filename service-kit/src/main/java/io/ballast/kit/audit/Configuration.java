package io.ballast.kit.audit;

import java.util.Collections;
import java.util.SortedSet;
import java.util.TreeSet;

/**
 * What a trail keeps of a configuration, none of it secret.
 *
 * @param sha256 of the properties
 * @param rights who may be what by it, each a line {@code RIGHT: WHO}
 */
public record Configuration(String sha256, SortedSet<String> rights) {
  /** Copies. */
  public Configuration {
    rights = Collections.unmodifiableSortedSet(new TreeSet<>(rights));
  }
}
