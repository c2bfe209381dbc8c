package io.ballast.safety.core.gate;

import io.ballast.inference.api.PerToken;
import io.ballast.inference.api.StopReason;
import java.util.Optional;

/**
 * A suggestion as stage 2 of the gate sees it.
 *
 * @param text what would be inserted at the cursor
 * @param logProbs shape [T], nats, temperature 1; empty: not known
 * @param stopReason why the completion ended; empty if the caller does not say
 * @param scores what reward and cost models say of it
 */
public record GateSuggestion(
    String text, PerToken logProbs, Optional<StopReason> stopReason, GateScores scores) {
  /** A suggestion that nobody scored. */
  public GateSuggestion(String text, PerToken logProbs, Optional<StopReason> stopReason) {
    this(text, logProbs, stopReason, GateScores.none());
  }
}
