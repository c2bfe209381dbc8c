package io.ballast.inference.torch;

import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * In what numbers a decoder is computed. Weights, moments, norms and losses stay as wide as said.
 */
public enum Arithmetic {
  /** Everything in 32 bits. */
  FLOAT32(ScalarType.Float, ScalarType.Float),
  /**
   * Weights, norms, residual stream, losses and moments in 32 bits; products and what lies between
   * them in bfloat16. The quickest on processors with AVX512-bf16.
   */
  BFLOAT16_PRODUCTS(ScalarType.Float, ScalarType.BFloat16),
  /** Everything in 64 bits, slowly: to check gradients. */
  FLOAT64(ScalarType.Double, ScalarType.Double);

  private final ScalarType full;
  private final ScalarType product;

  Arithmetic(ScalarType full, ScalarType product) {
    this.full = full;
    this.product = product;
  }

  ScalarType full() {
    return full;
  }

  ScalarType product() {
    return product;
  }
}
