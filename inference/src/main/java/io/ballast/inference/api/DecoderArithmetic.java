package io.ballast.inference.api;

/** In what numbers decoders are computed and trained. */
public enum DecoderArithmetic {
  /** Products in bfloat16 where the processor has instructions for them, 32 bits elsewhere. */
  AUTO,
  /** Everything in 32 bits. */
  FLOAT32,
  /** Weights and sums in 32 bits, products in bfloat16. */
  BFLOAT16_PRODUCTS
}
