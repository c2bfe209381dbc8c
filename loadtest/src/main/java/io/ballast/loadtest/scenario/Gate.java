package io.ballast.loadtest.scenario;

/** What the display gate may do. */
public enum Gate {
  /** Decide whether to generate and to show. */
  ENFORCE,
  /** Be asked, and decide nothing. */
  SHADOW,
  /** Not be asked. */
  OFF
}
