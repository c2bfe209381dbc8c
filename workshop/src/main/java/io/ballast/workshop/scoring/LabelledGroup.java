package io.ballast.workshop.scoring;

import io.ballast.inference.api.TokenIds;
import java.util.List;

/**
 * The labelled suggestions at one position.
 *
 * @param file the position's source file: files are never split between training and test
 * @param prompt shape [P]
 * @param promptText the text before the cursor, or its end; empty if it is not known
 * @param completions shape [G]
 */
public record LabelledGroup(
    String file, TokenIds prompt, String promptText, List<LabelledCompletion> completions) {
  public LabelledGroup {
    completions = List.copyOf(completions);
  }

  /** A group of which only tokens are known. */
  public LabelledGroup(String file, TokenIds prompt, List<LabelledCompletion> completions) {
    this(file, prompt, "", completions);
  }
}
