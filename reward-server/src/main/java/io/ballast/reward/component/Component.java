package io.ballast.reward.component;

import java.util.Map;

/**
 * One part of a composite's reward, as its file describes it: immutable, checked once when it is
 * read, and used by many threads. What it needs of the process comes with each call, in {@link
 * Judging}.
 *
 * <p>A definite no is a value. Whatever keeps a component from telling is a typed failure, never a
 * number.
 */
public sealed interface Component permits ItemComponent, BatchComponent {
  /**
   * Checks what it says of the others.
   *
   * @param path where this one stands
   * @param all by name
   * @throws CompositeFlaw if that is wrong
   */
  default void check(String path, Map<String, Component> all) {}
}
