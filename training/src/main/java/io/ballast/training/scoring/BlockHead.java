package io.ballast.training.scoring;

import io.ballast.inference.onnx.ScoringHeads.Head;

/**
 * A head on states of blocks that are the member's own. They are on disk by now: what it says of
 * the table that it was trained on was computed while they were there.
 */
final class BlockHead implements FeatureHead {
  private final Head head;
  private final double[] scores;

  /**
   * A trained head.
   *
   * @param scores raw, of all completions of the table; not copied
   */
  BlockHead(Head head, double[] scores) {
    this.head = head;
    this.scores = scores;
  }

  /**
   * Returns the scores of the table that it was trained on.
   *
   * @throws IllegalArgumentException if the table is of another size
   */
  @Override
  public double[] scores(FeatureTable standardized) {
    if (standardized.size() != scores.length) {
      throw new IllegalArgumentException(
          "table: %d completions (expected: the %d that it was trained on)"
              .formatted(standardized.size(), scores.length));
    }
    return scores.clone();
  }

  @Override
  public Head head() {
    return head;
  }
}
