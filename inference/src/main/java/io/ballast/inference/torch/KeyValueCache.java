package io.ballast.inference.torch;

import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;

/**
 * Keys and values of the rows under way: one tensor [layers, 2, rows, K, tokens, E] that grows with
 * demand. Rows in use are the first ones. Unused places hold finite numbers: attention multiplies
 * them by zero.
 */
final class KeyValueCache implements AutoCloseable {
  private static final int TOKENS_STEP = 64;

  private final DecoderConfig config;
  private final ScalarType type;
  private @Nullable Tensor cache;
  private int rows;
  private int tokens;

  KeyValueCache(DecoderConfig config, ScalarType type) {
    this.config = config;
    this.type = type;
  }

  /** Makes room for so many rows of so many tokens; what is there stays. */
  void ensure(int neededRows, int neededTokens) {
    if (cache != null && neededRows <= rows && neededTokens <= tokens) {
      return;
    }
    int newRows = Math.max(rows, Integer.highestOneBit(Math.max(4, neededRows) * 2 - 1));
    int newTokens =
        Math.min(
            config.contextTokens(),
            Math.max(tokens, (neededTokens + TOKENS_STEP - 1) / TOKENS_STEP * TOKENS_STEP));
    try (PointerScope scope = new PointerScope()) {
      Tensor grown =
          Tensors.zeros(
              type,
              config.layers(),
              2,
              newRows,
              config.keyValueHeads(),
              newTokens,
              config.headSize());
      if (cache != null) {
        grown.narrow(2, 0, rows).narrow(4, 0, tokens).copy_(cache);
      }
      grown.retainReference();
      close();
      cache = grown;
      rows = newRows;
      tokens = newTokens;
    }
  }

  /** The keys of a layer, shape [rows, K, tokens, E]. */
  Tensor keys(int layer) {
    return all().select(0, layer).select(0, 0);
  }

  /** The values of a layer, shape [rows, K, tokens, E]. */
  Tensor values(int layer) {
    return all().select(0, layer).select(0, 1);
  }

  /** Copies whole rows: {@code to[i]} becomes what {@code from[i]} is. */
  void move(long[] from, long[] to) {
    Tensor moved = all().index_select(2, Tensors.of(from, from.length));
    all().index_copy_(2, Tensors.of(to, to.length), moved);
  }

  /** Forgets a row whose numbers may not be finite. */
  void clear(int row) {
    all().select(2, row).zero_();
  }

  private Tensor all() {
    if (cache == null) {
      throw new IllegalStateException("the cache is empty");
    }
    return cache;
  }

  /** Gives the memory back; the cache can be used again. */
  @Override
  public void close() {
    if (cache != null) {
      cache.releaseReference();
    }
    cache = null;
    rows = 0;
    tokens = 0;
  }
}
