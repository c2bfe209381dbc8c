package io.ballast.inference.onnx;

import io.ballast.inference.api.PerToken;

/** What came of reading one completion's features: numbers, or why there are none. */
public sealed interface FeatureOutcome permits FeatureOutcome.Extracted, Refusal {
  /**
   * What heads are trained on.
   *
   * @param features shape [F], not standardised, finite
   * @param logProbs of the completion's tokens under the trunk, temperature 1, nats
   */
  record Extracted(FeatureVector features, PerToken logProbs) implements FeatureOutcome {}
}
