package io.ballast.safety.core.gate;

import java.util.Arrays;

/**
 * Makes the vectors that gate models are trained on and asked with; {@link FeatureSet#names} names
 * their numbers. Pure: the same inputs yield the same vector, in training and in serving. A number
 * that is missing is NaN.
 */
public final class GateFeatures {
  private GateFeatures() {}

  /**
   * Returns stage 1's vector.
   *
   * @param context only the last 2,048 characters of its prompt matter
   * @return shape [features of {@link GateStage#CONTEXT} in {@code set}], a new array
   */
  public static float[] context(FeatureSet set, GateContext context) {
    return place(
        set, context, CodeTail.of(context.prompt()), new float[length(set, GateStage.CONTEXT)]);
  }

  /**
   * Returns stage 2's vector: stage 1's, then what the suggestion adds.
   *
   * @param suggestion its numbers are finite
   * @return shape [features of {@link GateStage#SUGGESTION} in {@code set}], a new array
   */
  public static float[] suggestion(FeatureSet set, GateContext context, GateSuggestion suggestion) {
    CodeTail tail = CodeTail.of(context.prompt());
    int from = length(set, GateStage.CONTEXT);
    float[] vector = place(set, context, tail, new float[length(set, GateStage.SUGGESTION)]);
    SuggestedLine line = new SuggestedLine(tail, suggestion);
    for (SuggestionFeature feature : SuggestionFeature.values()) {
      vector[from + feature.ordinal()] = feature.of(line);
    }
    if (set.hasHistory()) {
      int scores = from + SuggestionFeature.values().length;
      for (ScoreFeature feature : ScoreFeature.values()) {
        vector[scores + feature.ordinal()] = feature.of(suggestion.scores());
      }
    }
    return vector;
  }

  private static float[] place(FeatureSet set, GateContext context, CodeTail tail, float[] vector) {
    for (ContextFeature feature : ContextFeature.values()) {
      vector[feature.ordinal()] = feature.of(tail);
    }
    if (set.hasHistory()) {
      int from = ContextFeature.values().length;
      Arrays.fill(vector, from, from + HistoryFeature.values().length, Float.NaN);
      context
          .history()
          .ifPresent(
              past -> {
                for (HistoryFeature feature : HistoryFeature.values()) {
                  vector[from + feature.ordinal()] = feature.of(past);
                }
              });
    }
    return vector;
  }

  private static int length(FeatureSet set, GateStage stage) {
    int length = ContextFeature.values().length;
    length += set.hasHistory() ? HistoryFeature.values().length : 0;
    if (stage == GateStage.SUGGESTION) {
      length += SuggestionFeature.values().length;
      length += set.hasHistory() ? ScoreFeature.values().length : 0;
    }
    return length;
  }
}
