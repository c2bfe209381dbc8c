package io.ballast.policy.core.suggest;

/** What the display gate may do. */
public enum GateMode {
  /** It decides whether to generate and whether to show. */
  ENFORCE,
  /** It is asked and reported, and has no effect. */
  SHADOW,
  /** It is not asked. */
  OFF
}
