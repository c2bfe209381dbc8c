package io.ballast.inference.triton;

/** The contract over a BLS model that accumulates tokens, with the tokenizer inside. */
class TensorRtLlmBlsIT extends TensorRtLlmContract {
  TensorRtLlmBlsIT() {
    super("bls");
  }
}
