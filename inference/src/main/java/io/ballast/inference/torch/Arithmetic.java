package io.ballast.inference.torch;

import io.ballast.inference.api.DecoderArithmetic;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * In what numbers a decoder is computed. Weights, moments, norms and losses stay as wide as said.
 */
public enum Arithmetic {
  /** Everything in 32 bits. */
  FLOAT32(ScalarType.Float, ScalarType.Float),
  /**
   * Weights, norms, residual stream, losses and moments in 32 bits; products and what lies between
   * them in bfloat16: quicker than 32 bits with AVX512-bf16 or AMX, far slower without.
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

  /** The quickest on this machine's processor. */
  public static Arithmetic quickest() {
    return Processor.multipliesBfloat16() ? BFLOAT16_PRODUCTS : FLOAT32;
  }

  /** What a setting means on this machine. */
  public static Arithmetic of(DecoderArithmetic setting) {
    return switch (setting) {
      case AUTO -> quickest();
      case FLOAT32 -> FLOAT32;
      case BFLOAT16_PRODUCTS -> BFLOAT16_PRODUCTS;
    };
  }

  ScalarType full() {
    return full;
  }

  ScalarType product() {
    return product;
  }
}
