package io.ballast.safety.core.gate;

import io.ballast.rl.gate.UtilityRule;

/** How a stage decides. */
public sealed interface StageRule {
  /** By the lines in the gate model's folder. */
  record Lines() implements StageRule {}

  /**
   * By the time that showing is expected to save; stage 1 hides nothing.
   *
   * @param times what things take the tenant's users
   */
  record TimeSaved(UtilityRule times) implements StageRule {}
}
