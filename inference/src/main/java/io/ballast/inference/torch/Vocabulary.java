package io.ballast.inference.torch;

import io.ballast.inference.api.Tokenizer;

/**
 * A tokenizer and what decoders make of it. Nothing in it is of one decoder: those with the same
 * tokenizer may share it. Safe for use by many threads.
 */
final class Vocabulary {
  private final Tokenizer tokenizer;
  private final VocabularyIndex index;
  private final Constraints constraints;

  Vocabulary(Tokenizer tokenizer) {
    this.tokenizer = tokenizer;
    this.index = new VocabularyIndex(tokenizer);
    this.constraints = new Constraints(index);
  }

  Tokenizer tokenizer() {
    return tokenizer;
  }

  VocabularyIndex index() {
    return index;
  }

  Constraints constraints() {
    return constraints;
  }
}
