package io.ballast.inference.torch;

import org.bytedeco.pytorch.Tensor;

/** Rows of tokens of which each predicts the next. Shape letters: B rows, T predictions of each. */
final class TokenRows {
  private final int[][] tokens;

  /**
   * @param tokens shape [B][T + 1], B ≥ 1, 1 ≤ T ≤ context, ids of the vocabulary
   * @throws IllegalArgumentException if they are not; named
   */
  TokenRows(int[][] tokens, DecoderConfig config) {
    if (tokens.length == 0) {
      throw new IllegalArgumentException("tokens: no rows (expected: ≥ 1)");
    }
    for (int b = 0; b < tokens.length; b++) {
      int length = tokens[b].length;
      if (length < 2 || length > config.contextTokens() + 1 || length != tokens[0].length) {
        throw new IllegalArgumentException(
            "tokens["
                + b
                + "]: "
                + length
                + " tokens (expected: 2 to "
                + (config.contextTokens() + 1)
                + ", as many as tokens[0])");
      }
      for (int t = 0; t < length; t++) {
        if (tokens[b][t] < 0 || tokens[b][t] >= config.vocabularySize()) {
          throw new IllegalArgumentException(
              "tokens["
                  + b
                  + "]["
                  + t
                  + "]: "
                  + tokens[b][t]
                  + " (expected: ≥ 0 and < "
                  + config.vocabularySize()
                  + ")");
        }
      }
    }
    this.tokens = tokens;
  }

  /** T. */
  int length() {
    return tokens[0].length - 1;
  }

  /** Returns all but the last token of each row, shape [B, T]. */
  Tensor inputs() {
    return Tensors.of(flattened(0), tokens.length, length());
  }

  /** Returns all but the first token of each row, shape [B · T]. */
  Tensor targets() {
    long[] targets = flattened(1);
    return Tensors.of(targets, targets.length);
  }

  /** All rows from their token at {@code first}, each one token shorter than it is. */
  private long[] flattened(int first) {
    int length = length();
    long[] flat = new long[tokens.length * length];
    for (int b = 0; b < tokens.length; b++) {
      for (int t = 0; t < length; t++) {
        flat[b * length + t] = tokens[b][t + first];
      }
    }
    return flat;
  }
}
