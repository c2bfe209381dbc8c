package io.ballast.safety.core.canary;

/** What follows from what is known of a canary. */
public enum CanaryVerdict {
  /** Nothing so far. */
  UNDECIDED,
  /** Cost and accept rate are shown to be within their limits. */
  HELD,
  /** The horizon has passed without a breach. */
  NO_BREACH_BY_HORIZON,
  /** The mean cost is shown to be over its limit. */
  COST_OVER_LIMIT,
  /** The accept rate is shown to be under the control's by more than the margin. */
  ACCEPT_BELOW_CONTROL,
  /** Nothing could be read or judged for longer than is allowed. */
  BLIND;

  /** Whether the canary has to go. */
  public boolean breach() {
    return switch (this) {
      case COST_OVER_LIMIT, ACCEPT_BELOW_CONTROL, BLIND -> true;
      case UNDECIDED, HELD, NO_BREACH_BY_HORIZON -> false;
    };
  }

  /** Whether the canary may stay, as far as can be said. */
  public boolean held() {
    return switch (this) {
      case HELD, NO_BREACH_BY_HORIZON -> true;
      case UNDECIDED, COST_OVER_LIMIT, ACCEPT_BELOW_CONTROL, BLIND -> false;
    };
  }
}
