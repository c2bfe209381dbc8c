package io.ballast.safety.core.gate;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
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

  /** What both versions see of the place: a constant after the last of these is of neither. */
  private static final List<ContextFeature> PLACE =
      List.copyOf(EnumSet.range(ContextFeature.LINE_CHARACTERS, ContextFeature.IDENTIFIER_VARIETY));

  /** What both versions see of the suggestion. */
  private static final List<SuggestionFeature> TEXTS =
      List.copyOf(
          EnumSet.range(
              SuggestionFeature.SUGGESTION_CHARACTERS, SuggestionFeature.SUGGESTION_LINES));

  /** What the second version sees of the past. */
  private static final List<HistoryFeature> PAST =
      List.copyOf(
          EnumSet.range(HistoryFeature.OUTCOME_1, HistoryFeature.PREVIOUS_SUGGESTION_CHARACTERS));

  /** What the second version sees of the scores. */
  private static final List<ScoreFeature> SCORES =
      List.copyOf(EnumSet.range(ScoreFeature.REWARD, ScoreFeature.HARM_PROBABILITY));

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
    place().stream().map(ContextFeature::label).forEach(names::add);
    past().stream().map(HistoryFeature::label).forEach(names::add);
    if (stage == GateStage.SUGGESTION) {
      texts().stream().map(SuggestionFeature::label).forEach(names::add);
      scores().stream().map(ScoreFeature::label).forEach(names::add);
    }
    return List.copyOf(names);
  }

  /** What it sees of the place, in the order of its vectors. */
  List<ContextFeature> place() {
    return PLACE;
  }

  /** Then what it sees of the past. */
  List<HistoryFeature> past() {
    return this == TEXT_AND_HISTORY ? PAST : List.of();
  }

  /** Then, in stage 2, what it sees of the suggestion. */
  List<SuggestionFeature> texts() {
    return TEXTS;
  }

  /** Then what it sees of its scores. */
  List<ScoreFeature> scores() {
    return this == TEXT_AND_HISTORY ? SCORES : List.of();
  }
}
