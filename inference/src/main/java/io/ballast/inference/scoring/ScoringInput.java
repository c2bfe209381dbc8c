package io.ballast.inference.scoring;

import io.ballast.inference.api.Tokenizer;

/** How a model reads an item: a completion with its prompt. */
public sealed interface ScoringInput {
  /**
   * Prompt and completion each by itself, as text or as tokens, as models on a decoder do.
   *
   * @param tokenizer the decoder's
   * @param contextTokens the most tokens of a prompt with one completion
   */
  record Parts(Tokenizer tokenizer, int contextTokens) implements ScoringInput {}

  /** Both as one whole, as classifiers do. */
  record Whole(WholeReading reading) implements ScoringInput {}

  /**
   * The tokenizer of a model that reads parts.
   *
   * @throws IllegalStateException if it reads a whole
   */
  default Tokenizer tokenizer() {
    return switch (this) {
      case Parts(Tokenizer tokenizer, int contextTokens) -> tokenizer;
      case Whole whole ->
          throw new IllegalStateException("reads prompt and completion as one whole: " + whole);
    };
  }
}
