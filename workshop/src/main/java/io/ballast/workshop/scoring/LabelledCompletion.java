package io.ballast.workshop.scoring;

import io.ballast.inference.api.TokenIds;

/**
 * A suggestion and what came of it in its file.
 *
 * @param tokens shape [T]
 * @param saved characters that need not be typed because all of it was right, ≥ 0
 * @param kept characters of its right beginning, ≥ {@code saved}
 * @param harmful whether the file no longer parses with it
 */
public record LabelledCompletion(TokenIds tokens, int saved, int kept, boolean harmful) {
  public LabelledCompletion {
    if (saved < 0 || kept < saved) {
      throw new IllegalArgumentException(
          "saved, kept: " + saved + ", " + kept + " (expected: 0 ≤ saved ≤ kept)");
    }
  }
}
