package io.ballast.safety.core.gate;

/** The stages of the display gate; {@link FeatureSet} says what each sees. */
public enum GateStage {
  /** Stage 1: from the context alone, before anything is generated. */
  CONTEXT,
  /** Stage 2: from the context and the suggestion. */
  SUGGESTION;

  /** The other stage. */
  public GateStage other() {
    return this == CONTEXT ? SUGGESTION : CONTEXT;
  }
}
