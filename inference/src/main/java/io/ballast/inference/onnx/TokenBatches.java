package io.ballast.inference.onnx;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/** Lays texts of unlike lengths into batches of like lengths, within a budget of tokens. */
final class TokenBatches {
  /** Of a batch at most one token in so many is padding. */
  private static final int PADDING_SHARE = 4;

  private TokenBatches() {}

  /**
   * Returns the batches, each a list of indices by ascending length. Each index is in exactly one.
   *
   * @param lengths in tokens, ≥ 1
   * @param budget the most tokens of a batch of two or more, padding included
   */
  static List<List<Integer>> of(int[] lengths, int budget) {
    List<Integer> byLength =
        IntStream.range(0, lengths.length)
            .boxed()
            .sorted(Comparator.comparingInt(i -> lengths[i]))
            .toList();
    List<List<Integer>> batches = new ArrayList<>();
    List<Integer> batch = new ArrayList<>();
    long tokens = 0;
    for (int i : byLength) {
      long padded = (long) lengths[i] * (batch.size() + 1);
      long padding = padded - tokens - lengths[i];
      if (!batch.isEmpty() && (padded > budget || padding * PADDING_SHARE > padded)) {
        batches.add(List.copyOf(batch));
        batch.clear();
        tokens = 0;
      }
      batch.add(i);
      tokens += lengths[i];
    }
    if (!batch.isEmpty()) {
      batches.add(List.copyOf(batch));
    }
    return batches;
  }
}
