package io.ballast.safety.core.gate;

import java.util.Locale;
import java.util.function.ToDoubleFunction;

/**
 * What a gate of {@link FeatureSet#TEXT_AND_HISTORY} sees of the user's past. −1 says that there is
 * no such thing in it; all are missing where the past is not known.
 */
public enum HistoryFeature {
  /** The newest outcome: 1 accepted, ½ edited, 0 rejected. */
  OUTCOME_1(past -> outcome(past, 0)),
  /** The one before. */
  OUTCOME_2(past -> outcome(past, 1)),
  /** The third. */
  OUTCOME_3(past -> outcome(past, 2)),
  /** The fourth. */
  OUTCOME_4(past -> outcome(past, 3)),
  /** The fifth. */
  OUTCOME_5(past -> outcome(past, 4)),
  /** Log of 1 + the seconds since the suggestion of the newest outcome. */
  OUTCOME_1_AGE(past -> age(past, 0)),
  /** Of the one before. */
  OUTCOME_2_AGE(past -> age(past, 1)),
  /** Of the third. */
  OUTCOME_3_AGE(past -> age(past, 2)),
  /** Of the fourth. */
  OUTCOME_4_AGE(past -> age(past, 3)),
  /** Of the fifth. */
  OUTCOME_5_AGE(past -> age(past, 4)),
  /** The share of the last suggestions with an outcome that were accepted or edited. */
  ACCEPTED_SHARE(past -> past.answered() == 0 ? -1 : (double) past.accepted() / past.answered()),
  /** How many suggestions that is out of, 0 to 20. */
  ANSWERED(GateHistory::answered),
  /** Characters of the suggestion that was shown before. */
  PREVIOUS_SUGGESTION_CHARACTERS(past -> past.previousCharacters().orElse(-1));

  private final ToDoubleFunction<GateHistory> value;

  HistoryFeature(ToDoubleFunction<GateHistory> value) {
    this.value = value;
  }

  /** Its name in a gate model folder. */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }

  float of(GateHistory past) {
    return (float) value.applyAsDouble(past);
  }

  private static double outcome(GateHistory past, int index) {
    return index >= past.outcomes().size()
        ? -1
        : switch (past.outcomes().get(index).kind()) {
          case ACCEPTED -> 1;
          case EDITED -> 0.5;
          case REJECTED -> 0;
          case UNKNOWN -> Double.NaN;
        };
  }

  private static double age(GateHistory past, int index) {
    return index >= past.outcomes().size() || past.outcomes().get(index).ageSeconds().isEmpty()
        ? -1
        : Math.log1p(past.outcomes().get(index).ageSeconds().getAsDouble());
  }
}
