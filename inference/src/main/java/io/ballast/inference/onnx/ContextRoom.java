package io.ballast.inference.onnx;

/**
 * How much of a prompt has room beside a completion.
 *
 * @param contextTokens the most tokens of a prompt with one completion, ≥ 2
 * @param reserveTokens what a prompt that is cut leaves free at least, so that completions of
 *     different lengths share one cut; 1 to {@code contextTokens} − 1
 */
public record ContextRoom(int contextTokens, int reserveTokens) {
  /** The room of a decoder's context, an eighth of it in reserve. */
  public static ContextRoom of(int contextTokens) {
    return new ContextRoom(contextTokens, Math.max(1, contextTokens / 8));
  }

  /**
   * Returns how many tokens of a prompt a completion is scored with: all of them if both fit.
   *
   * @param promptTokens ≥ 0
   * @param completionTokens 1 to {@code contextTokens} − 1
   */
  public int keptTokens(int promptTokens, int completionTokens) {
    return promptTokens + completionTokens <= contextTokens
        ? promptTokens
        : Math.min(promptTokens, contextTokens - Math.max(completionTokens, reserveTokens));
  }
}
