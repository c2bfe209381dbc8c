package io.ballast.inference.brought;

import io.ballast.kit.call.ItemFault;

/** What one member said of one completion. */
public sealed interface MemberScore {
  /**
   * Its score, higher is better, not yet on the common scale.
   *
   * @param score finite
   */
  record Value(double score) implements MemberScore {}

  /** Why it has none. */
  record Missing(ItemFault fault) implements MemberScore {}
}
