package io.ballast.inference.onnx;

import io.ballast.inference.api.TokenIds;
import java.util.List;

/**
 * A prompt and the completions to score under it; the prompt is computed once for all of them.
 *
 * @param prompt shape [P]; at least one token, or all its completions are refused
 * @param completions shape [G]; may be empty
 */
public record ScoringGroup(TokenIds prompt, List<TokenIds> completions) {
  public ScoringGroup {
    completions = List.copyOf(completions);
  }
}
