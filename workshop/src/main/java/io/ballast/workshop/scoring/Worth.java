package io.ballast.workshop.scoring;

/** What a completion is worth to the programmer, in characters. */
public enum Worth {
  /** Characters of its right beginning: what remains after the wrong end is deleted. */
  KEPT,
  /** Characters saved because all of it was right; 0 as soon as one is wrong. */
  SAVED;

  int of(LabelledCompletion completion) {
    return switch (this) {
      case KEPT -> completion.kept();
      case SAVED -> completion.saved();
    };
  }
}
