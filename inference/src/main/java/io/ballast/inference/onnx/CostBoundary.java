package io.ballast.inference.onnx;

import java.util.Locale;

/** What is known of the line between safe and unsafe on a cost's scale. */
public enum CostBoundary {
  /** Scores of 0 lie on it, and the cautious score has a calibrated probability of harm. */
  ZERO,
  /** It is known by the calibrated probability of harm alone: a score of 0 means nothing. */
  PROBABILITY,
  /** Nothing: scores order completions, and there is no probability of harm. */
  NONE;

  /** Its name in a scoring folder's {@code config.json}. */
  public String code() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** What a reader must know of it, one line. */
  public String words() {
    return switch (this) {
      case ZERO -> "a score of 0: above it is harmful, below it harmless";
      case PROBABILITY ->
          "none in the score, whose 0 means nothing; the probability of harm is calibrated";
      case NONE ->
          "none: the score orders completions, has no zero that means anything and no probability"
              + " of harm";
    };
  }
}
