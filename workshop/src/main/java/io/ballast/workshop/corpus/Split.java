package io.ballast.workshop.corpus;

import java.util.Locale;

/** The three disjoint parts of the corpus. No artefact lies in two of them. */
public enum Split {
  /** What the decoder and its tokenizer are trained on. */
  PRETRAIN,
  /** What the decoder never saw: prompts of runs, labels of rewards, costs and gates. */
  PREFERENCE,
  /** What nothing is trained on: held-out loss, safety test, final comparison. */
  HELDOUT;

  /** The name of this part's folder. */
  public String folder() {
    return name().toLowerCase(Locale.ROOT);
  }
}
