package io.ballast.inference.scoring;

import io.ballast.inference.onnx.ContextRoom;

/**
 * How much of a prompt a scoring model sees.
 *
 * @param promptTokens the most prompt tokens, because it was trained so; 0: as many as have room
 * @param contextTokens the most tokens of a prompt with one completion, ≥ 2
 */
public record PromptWindow(int promptTokens, int contextTokens) {
  /** The longest prompt that need not be cut beside a completion of so many tokens. */
  int limit(int completionTokens) {
    int room = contextTokens - completionTokens;
    return promptTokens == 0 ? room : Math.min(promptTokens, room);
  }

  /** How many tokens are left of a prompt of so many, at most {@link #limit}. */
  int kept(int wholeTokens, int completionTokens) {
    int seen = promptTokens == 0 ? wholeTokens : Math.min(promptTokens, wholeTokens);
    return ContextRoom.of(contextTokens).keptTokens(seen, completionTokens);
  }
}
