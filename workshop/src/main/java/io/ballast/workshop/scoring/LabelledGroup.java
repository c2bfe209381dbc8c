package io.ballast.workshop.scoring;

import io.ballast.inference.api.TokenIds;
import java.util.List;

/**
 * The labelled suggestions at one position.
 *
 * @param file the position's source file: files are never split between training and test
 * @param prompt shape [P]
 * @param completions shape [G]
 */
public record LabelledGroup(String file, TokenIds prompt, List<LabelledCompletion> completions) {
  public LabelledGroup {
    completions = List.copyOf(completions);
  }
}
