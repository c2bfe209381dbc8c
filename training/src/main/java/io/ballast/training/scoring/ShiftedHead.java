package io.ballast.training.scoring;

import io.ballast.inference.onnx.ScoringHeads.Head;
import java.util.Arrays;

/**
 * A head whose scores are raised.
 *
 * @param trained the head
 * @param shift what is added to its scores, finite
 */
record ShiftedHead(FeatureHead trained, double shift) implements FeatureHead {
  @Override
  public double[] scores(FeatureTable standardized) {
    return Arrays.stream(trained.scores(standardized)).map(score -> score + shift).toArray();
  }

  @Override
  public Head head() {
    return trained.head().shifted(shift);
  }
}
