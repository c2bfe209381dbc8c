package io.ballast.safety.core.gatefit;

import io.ballast.safety.core.gate.FeatureSet;
import io.ballast.safety.core.gate.GateFeatures;
import io.ballast.safety.core.gate.GateStage;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.DoubleConsumer;

/**
 * Shown suggestions with an outcome, as both stages see them.
 *
 * <p>Shape letters: N examples, F features of a stage.
 */
public final class GateTable {
  private final FeatureSet set;
  private final List<float[]> contexts = new ArrayList<>();
  private final List<float[]> suggestions = new ArrayList<>();
  private final List<Boolean> kept = new ArrayList<>();
  private final List<String> users = new ArrayList<>();
  private final List<Double> propensities = new ArrayList<>();
  private final List<Boolean> ungated = new ArrayList<>();
  private Instant last = Instant.EPOCH;
  private int decisions;
  private int neverToBeSeen;
  private int hidden;
  private int hiddenUngated;

  private GateTable(FeatureSet set) {
    this.set = set;
  }

  /**
   * Reads the features of all examples of a log; what was not shown or not answered is left out.
   *
   * @param progress is told which share is done, 0 to 1
   */
  public static GateTable of(List<LoggedSuggestion> log, FeatureSet set, DoubleConsumer progress) {
    GateTable table = new GateTable(set);
    for (int i = 0; i < log.size(); i++) {
      table.decisions++;
      table.neverToBeSeen += log.get(i).neverToBeSeen() ? 1 : 0;
      table.countHidden(log.get(i));
      if (log.get(i).isExample()) {
        table.add(log.get(i));
      }
      progress.accept((i + 1.0) / log.size());
    }
    return table;
  }

  private void countHidden(LoggedSuggestion logged) {
    boolean gated = logged.said().gating() != LoggedSuggestion.Gating.NOT_ENFORCED;
    boolean counts = !logged.shown() && (gated || logged.propensity() < 1);
    hidden += counts ? 1 : 0;
    hiddenUngated += counts && !gated ? 1 : 0;
  }

  private void add(LoggedSuggestion logged) {
    contexts.add(GateFeatures.context(set, logged.context()));
    suggestions.add(
        GateFeatures.suggestion(set, logged.context(), logged.suggestion().orElseThrow()));
    kept.add(logged.kept().orElseThrow());
    users.add(logged.person());
    propensities.add(logged.propensity());
    ungated.add(logged.said().gating() == LoggedSuggestion.Gating.NOT_ENFORCED);
    last = logged.decided().isAfter(last) ? logged.decided() : last;
  }

  /** What the vectors are of. */
  public FeatureSet featureSet() {
    return set;
  }

  /** N. */
  public int size() {
    return kept.size();
  }

  /** What a stage sees of an example, shape [F]; not to be written. */
  public float[] features(GateStage stage, int row) {
    return switch (stage) {
      case CONTEXT -> contexts.get(row);
      case SUGGESTION -> suggestions.get(row);
    };
  }

  /** Whether the user took it or a part of it. */
  public boolean kept(int row) {
    return kept.get(row);
  }

  /** Whose: the tenant and the user. */
  public String user(int row) {
    return users.get(row);
  }

  /** How probable it was that it was shown, above 0, at most 1. */
  double propensity(int row) {
    return propensities.get(row);
  }

  /** Whether no gate decided that it was shown. */
  boolean ungated(int row) {
    return ungated.get(row);
  }

  /** How many decisions the log had, examples or not. */
  int decisions() {
    return decisions;
  }

  /** How many of those a gate withheld that could not have shown them. */
  int neverToBeSeen() {
    return neverToBeSeen;
  }

  /**
   * How many of those were not shown, by a gate or by chance.
   *
   * @param ungated counts only those in which no gate had a say
   */
  int hidden(boolean ungated) {
    return ungated ? hiddenUngated : hidden;
  }

  /** When the last example was decided. */
  Instant last() {
    return last;
  }

  /** The users, in the order of their first example. */
  public Set<String> users() {
    return new LinkedHashSet<>(users);
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
}
