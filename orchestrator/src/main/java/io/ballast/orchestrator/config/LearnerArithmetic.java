package io.ballast.orchestrator.config;

/** In what numbers weights are trained. */
public enum LearnerArithmetic {
  /** Everything in 32 bits. */
  FLOAT32,
  /** Weights and sums in 32 bits, products in bfloat16. */
  BFLOAT16_PRODUCTS
}
