package io.ballast.safety.core.gate;

/** What a reader of a decision should know of it. */
public enum GateFlag {
  /**
   * Numbers that the model asks for, and was never trained without, are missing: nothing hidden.
   */
  INPUT_MISSING,
  /** Numbers were not finite or out of their range, and count as missing. */
  INPUT_NOT_FINITE,
  /** The stages' models were not made together: what was proven of them does not hold. */
  GUARANTEE_LOST,
  /** By the tenant's times nothing is saved by accepting: everything is shown. */
  NOTHING_SAVED
}
