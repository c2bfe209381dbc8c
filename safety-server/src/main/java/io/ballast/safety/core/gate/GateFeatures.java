package io.ballast.safety.core.gate;

import java.util.ArrayList;
import java.util.List;

/**
 * Makes the vectors that gate models are trained on and asked with; {@link FeatureSet#names} names
 * their numbers. Pure: the same inputs yield the same vector, in training and in serving. A number
 * that is missing is NaN, as is one that is not finite or out of its range.
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
    GateContext sound = SoundInputs.of(context).context();
    return place(
        set, sound, CodeTail.of(sound.prompt()), new float[length(set, GateStage.CONTEXT)]);
  }

  /**
   * Returns stage 2's vector: stage 1's, then what the suggestion adds.
   *
   * @return shape [features of {@link GateStage#SUGGESTION} in {@code set}], a new array
   */
  public static float[] suggestion(FeatureSet set, GateContext context, GateSuggestion suggestion) {
    SoundInputs sound = SoundInputs.of(context, suggestion);
    return suggestion(
        set, sound.context(), sound.suggestion().orElseThrow(), CodeTail.of(context.prompt()));
  }

  private static float[] suggestion(
      FeatureSet set, GateContext context, GateSuggestion suggestion, CodeTail tail) {
    float[] vector = place(set, context, tail, new float[length(set, GateStage.SUGGESTION)]);
    SuggestedLine line = new SuggestedLine(tail, suggestion);
    int at = length(set, GateStage.CONTEXT);
    for (SuggestionFeature feature : set.texts()) {
      vector[at++] = feature.of(line);
    }
    for (ScoreFeature feature : set.scores()) {
      vector[at++] = feature.of(suggestion.scores());
    }
    return vector;
  }

  private static float[] place(FeatureSet set, GateContext context, CodeTail tail, float[] vector) {
    int at = 0;
    for (ContextFeature feature : set.place()) {
      vector[at++] = feature.of(tail);
    }
    for (HistoryFeature feature : set.past()) {
      vector[at++] =
          context.history().isPresent() ? feature.of(context.history().get()) : Float.NaN;
    }
    return vector;
  }

  /** What the trees ask for, had in all examples, and do not get, by name. */
  public static List<String> missing(AcceptModel model, float[] features) {
    GateSpec spec = model.spec();
    List<String> missing = new ArrayList<>();
    for (int i = 0; i < features.length; i++) {
      if (Float.isNaN(features[i])
          && model.asksFor(i)
          && !spec.sometimesMissing().contains(spec.features().get(i))) {
        missing.add(spec.features().get(i));
      }
    }
    return missing;
  }

  private static int length(FeatureSet set, GateStage stage) {
    int length = set.place().size() + set.past().size();
    return stage == GateStage.CONTEXT ? length : length + set.texts().size() + set.scores().size();
  }
}
