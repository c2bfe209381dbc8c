package io.ballast.reward.component;

import io.ballast.kit.call.ItemFault;

/** A component has no value for a completion. */
public final class CannotJudge extends Exception {
  private static final long serialVersionUID = 1L;

  private final transient ItemFault fault;

  /**
   * @param message one sentence for a person, with the field's path and values
   */
  public CannotJudge(ItemFault.Reason reason, String message) {
    super(message);
    fault = new ItemFault(reason, message);
  }

  /** Why. */
  public ItemFault fault() {
    return fault;
  }
}
