package io.ballast.inference.search;

import java.util.Set;

/**
 * How wide and how long to search.
 *
 * @param width completions that are followed side by side, 1 to 256
 * @param best completions that are returned, 1 to {@code width}
 * @param lengthPenalty the exponent α of the length by which a log-probability is divided, −4 to 4:
 *     0 ranks by the log-probability itself, 1 by its mean, more favours longer ones
 * @param maxNewTokens the most tokens of a completion, 1 to 4,096
 * @param endIds the tokens that end a completion, of which they are no part
 */
public record BeamOptions(
    int width, int best, double lengthPenalty, int maxNewTokens, Set<Integer> endIds) {
  public static final int MAX_WIDTH = 256;
  public static final double MAX_LENGTH_PENALTY = 4;
  public static final int MAX_NEW_TOKENS = 4_096;

  public BeamOptions {
    endIds = Set.copyOf(endIds);
    require(width >= 1 && width <= MAX_WIDTH, "width: " + width + " (expected: 1 to 256)");
    require(
        best >= 1 && best <= width, "best: " + best + " (expected: 1 to the width, " + width + ")");
    require(
        Math.abs(lengthPenalty) <= MAX_LENGTH_PENALTY,
        "length_penalty: " + lengthPenalty + " (expected: -4 to 4)");
    require(
        maxNewTokens >= 1 && maxNewTokens <= MAX_NEW_TOKENS,
        "max_new_tokens: " + maxNewTokens + " (expected: 1 to 4,096)");
  }

  private static void require(boolean holds, String message) {
    if (!holds) {
      throw new IllegalArgumentException(message);
    }
  }
}
