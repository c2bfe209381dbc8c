package io.ballast.safety.core.gate;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * What gates may be trained on, by version. This build computes all of them, so that a gate goes on
 * serving, and a decision can be replayed, when newer ones see more.
 */
public enum FeatureSet {
  /** The texts and the log-probabilities of the suggestion. */
  TEXT(1),
  /** And what the user did before, and what reward and cost models say of the suggestion. */
  TEXT_AND_HISTORY(2);

  private final int version;

  FeatureSet(int version) {
    this.version = version;
  }

  /** Its number in gate model folders and answers, ≥ 1. */
  public int version() {
    return version;
  }

  /** The set of that number, if this build computes it. */
  public static Optional<FeatureSet> of(int version) {
    return Arrays.stream(values()).filter(set -> set.version == version).findFirst();
  }

  /** The names of the features that a stage sees, in the order of its vectors. */
  public List<String> names(GateStage stage) {
    List<String> names = new ArrayList<>();
    Arrays.stream(ContextFeature.values()).map(ContextFeature::label).forEach(names::add);
    if (hasHistory()) {
      Arrays.stream(HistoryFeature.values()).map(HistoryFeature::label).forEach(names::add);
    }
    if (stage == GateStage.SUGGESTION) {
      Arrays.stream(SuggestionFeature.values()).map(SuggestionFeature::label).forEach(names::add);
      if (hasHistory()) {
        Arrays.stream(ScoreFeature.values()).map(ScoreFeature::label).forEach(names::add);
      }
    }
    return List.copyOf(names);
  }

  /** Whether it has {@link HistoryFeature} and {@link ScoreFeature}. */
  boolean hasHistory() {
    return this == TEXT_AND_HISTORY;
  }
}
