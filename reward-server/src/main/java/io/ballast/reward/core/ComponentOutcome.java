package io.ballast.reward.core;

import io.ballast.kit.call.ItemFault;

/** What a component of a composite said of one completion. */
public sealed interface ComponentOutcome {
  /**
   * A value. A definite no of a verifier or penalty is one; that it could not tell is not.
   *
   * @param value in the component's unit; whether it is finite is checked by whoever reads it
   * @param detail what lies behind it, for a person; may be empty
   */
  record Value(double value, String detail) implements ComponentOutcome {}

  /** Why there is none. */
  record Failed(ItemFault fault) implements ComponentOutcome {}
}
