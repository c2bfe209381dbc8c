package io.ballast.inference.onnx;

/** How the vectors of a text's tokens become one. */
public enum Pooling {
  /** Their mean, special tokens included, padding excluded. */
  MEAN,
  /** The first token's, which begins every text. */
  FIRST_TOKEN
}
