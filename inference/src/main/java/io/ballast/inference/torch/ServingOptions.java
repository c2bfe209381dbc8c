package io.ballast.inference.torch;

/**
 * How much a decoder takes on at once.
 *
 * @param arithmetic what it computes in
 * @param maxRows completions that are drawn side by side, ≥ 1; each takes memory for its keys and
 *     values (2.3 MB at 256 tokens of the tiny shape)
 * @param maxQueuedRows completions that may wait for a row, ≥ 0; more are refused
 * @param maxPrefillTokens prompt tokens, padding included, that are computed at a time, ≥ 1: the
 *     rows under way wait for them
 */
public record ServingOptions(
    Arithmetic arithmetic, int maxRows, int maxQueuedRows, int maxPrefillTokens) {
  public ServingOptions {
    require(maxRows >= 1, "max_rows: " + maxRows + " (expected: ≥ 1)");
    require(maxQueuedRows >= 0, "max_queued_rows: " + maxQueuedRows + " (expected: ≥ 0)");
    require(maxPrefillTokens >= 1, "max_prefill_tokens: " + maxPrefillTokens + " (expected: ≥ 1)");
  }

  /** 256 rows, 1,024 waiting, 2,048 prompt tokens at a time. */
  public static ServingOptions defaults() {
    return new ServingOptions(Arithmetic.BFLOAT16_PRODUCTS, 256, 1_024, 2_048);
  }

  private static void require(boolean holds, String message) {
    if (!holds) {
      throw new IllegalArgumentException(message);
    }
  }
}
