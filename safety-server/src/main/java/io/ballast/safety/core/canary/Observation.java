package io.ballast.safety.core.canary;

import java.util.UUID;

/**
 * One number that the bounds of a canary rest on.
 *
 * @param suggestionId the suggestion that it is of
 * @param value 0 to 1; of an answer 1 if it was taken, else 0
 * @param missing whether there was no cost, so that it counts as 1
 */
public record Observation(Kind kind, Arm arm, UUID suggestionId, double value, boolean missing) {
  /** What was observed. */
  public enum Kind {
    /** The cost of a completion that the canary showed. */
    COST,
    /** Whether somebody took what was shown. */
    ACCEPT
  }
}
