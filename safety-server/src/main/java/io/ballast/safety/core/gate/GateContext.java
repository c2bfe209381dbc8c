package io.ballast.safety.core.gate;

import java.util.Optional;

/**
 * What is known of a place before anything is generated.
 *
 * @param prompt the text before the cursor
 * @param history what the user did before; empty: not known
 */
public record GateContext(String prompt, Optional<GateHistory> history) {
  /** A place of which nothing is known but its text. */
  public static GateContext of(String prompt) {
    return new GateContext(prompt, Optional.empty());
  }
}
