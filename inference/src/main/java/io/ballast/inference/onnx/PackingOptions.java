package io.ballast.inference.onnx;

/**
 * How completions are laid into rows and rows into runs of the model.
 *
 * @param contextTokens the most tokens of a prompt with one completion, ≥ 2
 * @param vocabularySize ids are 0 to this, exclusive
 * @param reserveTokens what a prompt that is cut leaves free at least, so that completions of
 *     different lengths share one cut; 1 to {@code contextTokens} − 1
 * @param runTokens of a run, padding included, ≥ {@code contextTokens}
 * @param runPredictions of a run, padding included, ≥ {@code contextTokens}; bounds the memory for
 *     logits
 */
record PackingOptions(
    int contextTokens, int vocabularySize, int reserveTokens, int runTokens, int runPredictions) {
  private static final int RUN_TOKENS = 512;
  private static final int RUN_LOGITS = 1 << 20;

  /**
   * The defaults for a decoder's shape: runs whose activations and logits (4 MiB) stay near a
   * core's cache. Larger ones are slower, an item in a run of 4,096 tokens by a sixth.
   */
  static PackingOptions of(int contextTokens, int vocabularySize) {
    return new PackingOptions(
        contextTokens,
        vocabularySize,
        ContextRoom.of(contextTokens).reserveTokens(),
        Math.max(contextTokens, RUN_TOKENS),
        Math.max(contextTokens, RUN_LOGITS / vocabularySize));
  }
}
