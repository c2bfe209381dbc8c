package io.ballast.workshop.scoring;

import io.ballast.inference.api.PerToken;
import io.ballast.inference.api.StopReason;
import io.ballast.inference.api.TokenIds;
import io.ballast.workshop.programmer.Outcome;
import java.util.Optional;

/**
 * A suggestion and what came of it in its file.
 *
 * @param tokens shape [T]
 * @param saved characters that need not be typed because all of it was right, ≥ 0
 * @param kept characters of its right beginning, ≥ {@code saved}
 * @param harmful whether the file no longer parses with it
 * @param drawn what the display gate would know of it; absent in labels that were not drawn
 */
public record LabelledCompletion(
    TokenIds tokens, int saved, int kept, boolean harmful, Optional<Drawn> drawn) {
  /**
   * How a completion was drawn.
   *
   * @param text as it would be shown
   * @param logProbs shape [T], nats, temperature 1
   * @param stopReason why it ended
   * @param outcome what the programmer did
   */
  public record Drawn(String text, PerToken logProbs, StopReason stopReason, Outcome outcome) {}

  public LabelledCompletion {
    if (saved < 0 || kept < saved) {
      throw new IllegalArgumentException(
          "saved, kept: " + saved + ", " + kept + " (expected: 0 ≤ saved ≤ kept)");
    }
    if (drawn.isPresent() && drawn.get().logProbs().size() != tokens.size()) {
      throw new IllegalArgumentException(
          "log_probs: "
              + drawn.get().logProbs().size()
              + " (expected: one a token, "
              + tokens.size()
              + ")");
    }
  }

  /** A completion of which only tokens and labels are known. */
  public LabelledCompletion(TokenIds tokens, int saved, int kept, boolean harmful) {
    this(tokens, saved, kept, harmful, Optional.empty());
  }
}
