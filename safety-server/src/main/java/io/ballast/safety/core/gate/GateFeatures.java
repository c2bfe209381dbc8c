package io.ballast.safety.core.gate;

/**
 * Makes the vectors that gate models are trained on and asked with; {@link GateStage#featureNames}
 * names their numbers. Pure: the same texts yield the same vector, in training and in serving.
 */
public final class GateFeatures {
  private GateFeatures() {}

  /**
   * Returns stage 1's vector.
   *
   * @param prompt the text before the cursor; only its last 2,048 characters matter
   * @return shape [features of {@link GateStage#CONTEXT}], finite, a new array
   */
  public static float[] context(String prompt) {
    return fill(CodeTail.of(prompt), new float[ContextFeature.values().length]);
  }

  /**
   * Returns stage 2's vector: stage 1's, then what the suggestion adds.
   *
   * @return shape [features of {@link GateStage#SUGGESTION}], finite, a new array
   * @throws IllegalArgumentException if a log-probability is not finite, naming it
   */
  public static float[] suggestion(String prompt, GateSuggestion suggestion) {
    for (int t = 0; t < suggestion.logProbs().size(); t++) {
      if (!Float.isFinite(suggestion.logProbs().get(t))) {
        throw new IllegalArgumentException(
            "log_probs[%d]: %s (expected: finite)".formatted(t, suggestion.logProbs().get(t)));
      }
    }
    CodeTail tail = CodeTail.of(prompt);
    int contexts = ContextFeature.values().length;
    float[] vector = fill(tail, new float[contexts + SuggestionFeature.values().length]);
    SuggestedLine line = new SuggestedLine(tail, suggestion);
    for (SuggestionFeature feature : SuggestionFeature.values()) {
      vector[contexts + feature.ordinal()] = feature.of(line);
    }
    return vector;
  }

  private static float[] fill(CodeTail tail, float[] vector) {
    for (ContextFeature feature : ContextFeature.values()) {
      vector[feature.ordinal()] = feature.of(tail);
    }
    return vector;
  }
}
