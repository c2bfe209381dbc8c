package io.ballast.training.scoring;

/** What a head computes of its features. */
public enum HeadForm {
  /** One hidden layer of 32 units of tanh: members with other first weights end elsewhere. */
  LAYERED(32),
  /**
   * A weighted sum. Its loss is convex: from the same judgements all members become the same,
   * whatever their first weights and order, and only other judgements ({@code bootstrap}) make them
   * differ.
   */
  LINEAR(0);

  private final int hiddenWidth;

  HeadForm(int hiddenWidth) {
    this.hiddenWidth = hiddenWidth;
  }

  /** Units of the hidden layer; 0 without one. */
  public int hiddenWidth() {
    return hiddenWidth;
  }
}
