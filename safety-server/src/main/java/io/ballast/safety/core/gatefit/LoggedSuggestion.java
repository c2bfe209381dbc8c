package io.ballast.safety.core.gatefit;

import io.ballast.safety.core.gate.GateContext;
import io.ballast.safety.core.gate.GateSuggestion;
import java.time.Instant;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * One decision of the log with what came of it.
 *
 * @param tenant whose
 * @param user whose editor; decisions of one are alike
 * @param context the place, with the history as it was known then
 * @param suggestion what was generated; empty: nothing was
 * @param shown whether the user saw it
 * @param kept whether the user took it or a part of it; empty: nobody said
 * @param propensity the probability of this decision, above 0, at most 1
 * @param decided when
 * @param said what the gate said of it; empty: it was not asked
 */
public record LoggedSuggestion(
    String tenant,
    String user,
    GateContext context,
    Optional<GateSuggestion> suggestion,
    boolean shown,
    Optional<Boolean> kept,
    double propensity,
    Instant decided,
    Said said) {
  /** Checks the range of the propensity. */
  public LoggedSuggestion {
    if (!(propensity > 0 && propensity <= 1)) {
      throw new IllegalArgumentException(
          "propensity: " + propensity + " (expected: above 0, at most 1)");
    }
  }

  /**
   * What the gate in force said.
   *
   * @param stageOne p₁; empty: stage 1 was not asked
   * @param stageTwo p₂; empty: stage 2 was not asked
   * @param stageOneWithholds whether stage 1 would withhold, explored or not
   * @param gating whether what it said decided
   */
  public record Said(
      OptionalDouble stageOne, OptionalDouble stageTwo, boolean stageOneWithholds, Gating gating) {
    /** The log says nothing of a gate. */
    public static Said nothing() {
      return new Said(OptionalDouble.empty(), OptionalDouble.empty(), false, Gating.UNKNOWN);
    }
  }

  /** Whether a gate decided what was shown. */
  public enum Gating {
    /** None did: it was not asked, only in shadow, or both stages away; or something else did. */
    NOT_ENFORCED,
    /** One did. */
    ENFORCED,
    /** The log does not say. */
    UNKNOWN
  }

  /** Whether a gate withheld it that could not have shown it: what would have come is unknown. */
  public boolean neverToBeSeen() {
    return !shown && propensity == 1 && said.gating() != Gating.NOT_ENFORCED;
  }

  /** Whether it is an example: seen by the user, who did something with it. */
  public boolean isExample() {
    return shown && kept.isPresent() && suggestion.filter(s -> !s.text().isEmpty()).isPresent();
  }

  /** What makes decisions alike: whose they are. All that name no user are one's of the tenant. */
  String person() {
    return tenant + "/" + user;
  }

  /** What makes decisions the same position: one user at the line that is being written. */
  String place() {
    String prompt = context.prompt();
    return person() + "\n" + prompt.substring(0, prompt.lastIndexOf('\n') + 1);
  }
}
