package io.ballast.workshop.gate;

import io.ballast.safety.core.gate.FeatureSet;
import io.ballast.safety.core.gate.GateContext;
import io.ballast.safety.core.gate.GateFeatures;
import io.ballast.safety.core.gate.GateStage;
import io.ballast.safety.core.gate.GateSuggestion;
import io.ballast.safety.core.gatefit.TreeGrower;
import io.ballast.workshop.programmer.Outcome;
import io.ballast.workshop.scoring.LabelledCompletion;
import io.ballast.workshop.scoring.LabelledCompletion.Drawn;
import io.ballast.workshop.scoring.LabelledGroup;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;

/**
 * Drawn suggestions as both stages of the gate see them; those of a position side by side. One that
 * would never be shown, because it has no text, is left out.
 *
 * <p>Shape letters: P positions, N suggestions, F features of a stage.
 */
final class GateRows {
  private final List<float[]> contexts = new ArrayList<>();
  private final List<float[]> suggestions = new ArrayList<>();
  private final List<Outcome> outcomes = new ArrayList<>();
  private final List<Integer> positions = new ArrayList<>();
  private final List<String> files = new ArrayList<>();
  private final FeatureSet set;

  private GateRows(FeatureSet set) {
    this.set = set;
  }

  /**
   * Reads the features of all groups that have text.
   *
   * @param set what the stages see
   * @param random draws what was shown at a position, and of which files the past is not known
   * @throws IllegalArgumentException if a completion does not say how it was drawn
   */
  static GateRows of(List<LabelledGroup> groups, FeatureSet set, RandomGenerator random) {
    GateRows rows = new GateRows(set);
    Map<String, FileSession> sessions = new HashMap<>();
    for (LabelledGroup group : groups) {
      rows.add(group, sessions.computeIfAbsent(group.file(), file -> new FileSession(random)));
    }
    return rows;
  }

  private void add(LabelledGroup group, FileSession session) {
    int position = contexts.size();
    GateContext place = new GateContext(group.promptText(), session.past());
    List<Drawn> shown = new ArrayList<>();
    for (LabelledCompletion completion : group.completions()) {
      Drawn drawn =
          completion
              .drawn()
              .orElseThrow(
                  () ->
                      new IllegalArgumentException(
                          group.file() + ": a completion without text (expected: collected ones)"));
      if (!drawn.text().isEmpty()) {
        shown.add(drawn);
        suggestions.add(
            GateFeatures.suggestion(
                set,
                place,
                new GateSuggestion(
                    drawn.text(), drawn.logProbs(), Optional.of(drawn.stopReason()))));
        outcomes.add(drawn.outcome());
        positions.add(position);
      }
    }
    if (!shown.isEmpty()) {
      contexts.add(GateFeatures.context(set, place));
      files.add(group.file());
      session.answered(shown);
    }
  }

  /** What the vectors are of. */
  FeatureSet featureSet() {
    return set;
  }

  /** How many files some suggestions are of. */
  int files(int[] rows) {
    return (int) Arrays.stream(rows).mapToObj(row -> file(position(row))).distinct().count();
  }

  /** The names of a stage's features that some of {@code rows} lack. */
  Set<String> sometimesMissing(GateStage stage, int[] rows) {
    List<String> names = set.names(stage);
    Set<String> missing = new LinkedHashSet<>();
    for (int row : rows) {
      float[] features = features(stage, row);
      for (int i = 0; i < features.length; i++) {
        if (Float.isNaN(features[i])) {
          missing.add(names.get(i));
        }
      }
    }
    return missing;
  }

  /** N. */
  int size() {
    return suggestions.size();
  }

  /** P. */
  int positions() {
    return contexts.size();
  }

  /** The position of a suggestion. */
  int position(int row) {
    return positions.get(row);
  }

  /** The source file of a position. */
  String file(int position) {
    return files.get(position);
  }

  /** What the programmer did with a suggestion. */
  Outcome outcome(int row) {
    return outcomes.get(row);
  }

  /** What a stage's model is to predict: whether anything of the suggestion was kept. */
  boolean kept(int row) {
    return outcome(row) != Outcome.REJECTED;
  }

  /** What a stage sees of a suggestion, shape [F]; not to be written. */
  float[] features(GateStage stage, int row) {
    return switch (stage) {
      case CONTEXT -> contexts.get(position(row));
      case SUGGESTION -> suggestions.get(row);
    };
  }

  /**
   * Some suggestions as trees are grown on them. Of a stage that sees the context alone the rows of
   * a position are equal but for their labels, so what it learns is the position's share of kept
   * suggestions.
   */
  TreeGrower.Examples examples(GateStage stage, int[] rows) {
    return new TreeGrower.Examples() {
      @Override
      public int size() {
        return rows.length;
      }

      @Override
      public float[] features(int index) {
        return GateRows.this.features(stage, rows[index]);
      }

      @Override
      public boolean yes(int index) {
        return kept(rows[index]);
      }

      @Override
      public double weight(int index) {
        return 1;
      }
    };
  }

  /** Returns the indices of the suggestions whose files' {@code percent} lies in [from, to). */
  int[] rows(FileShare share, int from, int to) {
    boolean[] inside = new boolean[positions()];
    for (int position = 0; position < inside.length; position++) {
      int percent = share.percent(file(position));
      inside[position] = percent >= from && percent < to;
    }
    return IntStream.range(0, size()).filter(row -> inside[position(row)]).toArray();
  }

  /** Assigns files to hundredths. */
  @FunctionalInterface
  interface FileShare {
    /** 0 to 99, the same for the same name. */
    int percent(String file);
  }
}
