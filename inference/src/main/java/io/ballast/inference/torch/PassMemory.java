package io.ballast.inference.torch;

/**
 * What a forward and backward pass over one group takes beside the weights: an estimate by the
 * model's shape, for whoever has to refuse what no memory would hold.
 *
 * <p>Of each block gradients need what its norms, projections, attention and feed-forward layer
 * gave; of the head, which keeps its log-probabilities, V numbers a token; and a group whose
 * completions share a prompt has a mask that grows with the square of its length.
 */
public final class PassMemory {
  private PassMemory() {}

  /**
   * Returns the bytes of a pass.
   *
   * @param tokens of the group: its prompt and all its completions, at least 0
   */
  public static double bytes(DecoderConfig config, Arithmetic arithmetic, int tokens) {
    double full = LengthClasses.bytes(arithmetic.full());
    double product = LengthClasses.bytes(arithmetic.product());
    double hidden = config.hiddenSize();
    double queries = config.queryWidth();
    double keys = config.keyValueWidth();
    double norms = 2 * hidden * (full + product);
    double projected = (queries + 2 * keys) * (product + full);
    double attended = 2 * queries * full + hidden * (product + full);
    double feedForward = 4 * config.intermediateSize() * product + hidden * (product + full);
    double block = norms + projected + attended + feedForward;
    double head = config.vocabularySize() * full;
    return tokens * (config.layers() * block + head) + full * tokens * tokens;
  }

  /**
   * Returns the most tokens of a group whose pass takes no more than so many bytes; at least 1,
   * since nothing could be trained otherwise.
   */
  public static int mostTokens(DecoderConfig config, Arithmetic arithmetic, double bytes) {
    int low = 1;
    int high = 1 << 24;
    while (low < high) {
      int middle = (low + high + 1) >>> 1;
      if (bytes(config, arithmetic, middle) <= bytes) {
        low = middle;
      } else {
        high = middle - 1;
      }
    }
    return low;
  }
}
