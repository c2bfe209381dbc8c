package io.ballast.safety.core.gate;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** The stages of the display gate. */
public enum GateStage {
  /** Stage 1: from the context alone, before anything is generated. */
  CONTEXT,
  /** Stage 2: from the context and the suggestion. */
  SUGGESTION;

  /** The names of the features that this stage sees, in the order of its vectors. */
  public List<String> featureNames() {
    List<String> names = new ArrayList<>();
    Arrays.stream(ContextFeature.values()).map(ContextFeature::label).forEach(names::add);
    if (this == SUGGESTION) {
      Arrays.stream(SuggestionFeature.values()).map(SuggestionFeature::label).forEach(names::add);
    }
    return List.copyOf(names);
  }
}
