package io.ballast.rl.gate;

/** What one stage of the display gate decided. */
public enum GateOutcome {
  /** Go on: generate, or show. */
  PASS,
  /** Do not generate, or do not show. */
  WITHHOLD,
  /** Stage 1 is not sure: generate and let stage 2 decide. */
  REFER,
  /** Would be withheld, but is let through so that the gate can go on learning. */
  EXPLORE
}
