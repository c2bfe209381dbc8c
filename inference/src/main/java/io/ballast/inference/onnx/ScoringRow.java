package io.ballast.inference.onnx;

import io.ballast.inference.api.TokenIds;
import java.util.List;

/**
 * What a scorer computes together of one group: a prompt, cut as it cuts it, and completions.
 *
 * @param prompt shape [P], P ≥ 1
 * @param completions indices in the group, at least one
 */
public record ScoringRow(TokenIds prompt, List<Integer> completions) {
  public ScoringRow {
    completions = List.copyOf(completions);
  }
}
