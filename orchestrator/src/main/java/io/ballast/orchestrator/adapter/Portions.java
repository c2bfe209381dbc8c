package io.ballast.orchestrator.adapter;

import java.util.ArrayList;
import java.util.List;
import java.util.function.ToIntFunction;

/** Cuts a long list into portions that fit into one message. */
final class Portions {
  private Portions() {}

  /**
   * Returns the items in order, in portions of at most {@code maxItems} items and, but for single
   * items, {@code maxSize} together.
   */
  static <T> List<List<T>> of(List<T> items, int maxItems, int maxSize, ToIntFunction<T> size) {
    List<List<T>> portions = new ArrayList<>();
    List<T> portion = new ArrayList<>();
    int total = 0;
    for (T item : items) {
      int more = size.applyAsInt(item);
      if (!portion.isEmpty() && (portion.size() == maxItems || total + more > maxSize)) {
        portions.add(portion);
        portion = new ArrayList<>();
        total = 0;
      }
      portion.add(item);
      total += more;
    }
    if (!portion.isEmpty()) {
      portions.add(portion);
    }
    return portions;
  }
}
