package io.ballast.training.cost;

import java.util.Locale;

/** How a cost is learned, and what its zero means then. */
public enum CostForm {
  /**
   * From the order of pairs and the label of each completion together: a score of 0 parts safe from
   * unsafe.
   *
   * <p>Source: Dai et al. 2024 (Safe RLHF), arXiv:2310.12773, equation 6.
   */
  SIGN_ANCHORED,
  /**
   * From the order of pairs alone. What is added to all scores changes nothing of the loss, so that
   * a score of 0 means nothing; with labels held out there is a probability of harm.
   *
   * <p>Source: Bradley and Terry 1952.
   */
  BRADLEY_TERRY,
  /**
   * As {@link #BRADLEY_TERRY}, and each member then moved so that its 0 is where the labels held
   * out say that safe and unsafe part.
   */
  RECENTRED;

  /** Its name on a command line. */
  public String code() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  @Override
  public String toString() {
    return code();
  }

  /** Whether each pair must say of both completions whether they are unsafe. */
  public boolean needsLabels() {
    return this == SIGN_ANCHORED;
  }
}
