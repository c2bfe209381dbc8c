package io.ballast.inference.onnx;

/**
 * How an encoder runs.
 *
 * @param batchTokens the most tokens of one run, padding included, ≥ 1; a text that is longer runs
 *     alone
 * @param threads of one run, ≥ 1
 */
public record EncoderOptions(int batchTokens, int threads) {
  private static final int BATCH_TOKENS = 2_048;

  public EncoderOptions {
    require(batchTokens >= 1, "batch_tokens: " + batchTokens + " (expected: ≥ 1)");
    require(threads >= 1, "threads: " + threads + " (expected: ≥ 1)");
  }

  /** 2,048 tokens a run, a thread for each core that this process may use. */
  public static EncoderOptions defaults() {
    return new EncoderOptions(BATCH_TOKENS, Runtime.getRuntime().availableProcessors());
  }

  private static void require(boolean holds, String message) {
    if (!holds) {
      throw new IllegalArgumentException(message);
    }
  }
}
