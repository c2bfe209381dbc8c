package io.ballast.workshop.programmer;

/**
 * A programmer's answer to one suggestion.
 *
 * @param outcome what was done
 * @param charactersKept how many characters of the suggestion stayed: all that were left to write
 *     if it was accepted, its right beginning if it was edited, 0 if it was rejected
 */
public record Judgement(Outcome outcome, int charactersKept) {
  public Judgement {
    if (charactersKept < 0) {
      throw new IllegalArgumentException("charactersKept: " + charactersKept + " (expected: ≥ 0)");
    }
  }

  /** Characters that need not be typed because the whole suggestion was right; 0 otherwise. */
  public int charactersSaved() {
    return outcome == Outcome.ACCEPTED ? charactersKept : 0;
  }
}
