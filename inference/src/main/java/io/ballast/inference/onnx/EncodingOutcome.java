package io.ballast.inference.onnx;

/** What came of encoding one text: numbers, or why there are none. */
public sealed interface EncodingOutcome permits EncodingOutcome.Encoded, Refusal {
  /**
   * The text's embedding, or a classifier's scores before any softmax.
   *
   * @param values as many as {@link OnnxEncoder#width}, finite
   */
  record Encoded(FeatureVector values) implements EncodingOutcome {}
}
