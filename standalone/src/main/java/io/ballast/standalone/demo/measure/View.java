package io.ballast.standalone.demo.measure;

/** Which suggestions count. */
public enum View {
  /**
   * As a person sees it: what the gate withholds is not accepted, saves nothing, breaks nothing.
   */
  GATE_IN_FORCE,
  /** As the model wrote it, whatever the gate says. */
  AS_WRITTEN
}
