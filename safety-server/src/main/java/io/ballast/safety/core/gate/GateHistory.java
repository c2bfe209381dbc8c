package io.ballast.safety.core.gate;

import java.util.List;
import java.util.OptionalDouble;
import java.util.OptionalInt;

/**
 * What a user did with suggestions before, as it was known when the next one was decided.
 *
 * @param outcomes the newest first; those after the fifth do not count
 * @param accepted of the last suggestions with an outcome, how many were accepted or edited
 * @param answered how many suggestions with an outcome that is out of, 0 to 20
 * @param previousCharacters of the last suggestion that was shown, UTF-16; empty: none was
 */
public record GateHistory(
    List<Past> outcomes, int accepted, int answered, OptionalInt previousCharacters) {
  /** Outcomes after these do not count. */
  public static final int OUTCOMES = 5;

  /** The most suggestions of which the share of accepted ones is counted. */
  public static final int ANSWERED = 20;

  /** What a user did with a suggestion. */
  public enum Kind {
    /** Took it as it was. */
    ACCEPTED,
    /** Did not take it. */
    REJECTED,
    /** Kept a part. */
    EDITED,
    /** A kind that this build does not know. */
    UNKNOWN
  }

  /**
   * What became of one suggestion.
   *
   * @param kind what
   * @param ageSeconds since it was decided; empty: not known
   */
  public record Past(Kind kind, OptionalDouble ageSeconds) {}

  /** Copies the list; only its first five are kept. */
  public GateHistory {
    outcomes = List.copyOf(outcomes.subList(0, Math.min(OUTCOMES, outcomes.size())));
  }

  /** Of a user who has had no suggestion. */
  public static GateHistory none() {
    return new GateHistory(List.of(), 0, 0, OptionalInt.empty());
  }

  /** Whether every number is in its range; a history that is not counts as not known. */
  boolean isSound() {
    return accepted >= 0
        && accepted <= answered
        && answered <= ANSWERED
        && previousCharacters.orElse(0) >= 0
        && outcomes.stream().allMatch(GateHistory::isSound);
  }

  private static boolean isSound(Past past) {
    double age = past.ageSeconds().orElse(0);
    return past.kind() != Kind.UNKNOWN && age >= 0 && Double.isFinite(age);
  }
}
