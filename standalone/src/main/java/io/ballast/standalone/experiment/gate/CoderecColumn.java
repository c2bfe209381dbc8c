package io.ballast.standalone.experiment.gate;

import java.util.Locale;

/**
 * The columns of the programmers' data that are read, and no others: some of the file say what
 * happened after the suggestion was shown. The label of the programmer's state (cups_onehot) is of
 * the interval that ends in the very accept or reject; the edit share and the time in the state
 * come afterwards; who it was tells nothing of others.
 */
enum CoderecColumn {
  /** Whose: what splits, never a feature. */
  USER,
  /** What they did: Accepted or Rejected. */
  STATE,
  /** Fifteen numbers of the prompt and of the suggestion. */
  MEASUREMENTS,
  /** What kind of code the suggestion is, fourteen yes or no. */
  SUGGESTION_LABEL,
  /** What kind of code the prompt is, fourteen yes or no. */
  PROMPT_LABEL,
  /** Twenty-one counts of the suggestion's text. */
  SUGGESTION_TEXT_FEATURES,
  /** Twenty-one counts of the prompt's text. */
  PROMPT_TEXT_FEATURES;

  /** Its name in the file's header. */
  String header() {
    return name().toLowerCase(Locale.ROOT);
  }
}
