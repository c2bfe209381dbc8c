package io.ballast.safety.core.gate;

/** How a stage decides. */
public enum GateRuleKind {
  /** By the lines in the gate model's folder. */
  LINES,
  /** By the time that showing is expected to save. */
  TIME_SAVED
}
