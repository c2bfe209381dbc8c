package io.ballast.inference.brought;

import io.ballast.inference.api.TokenIds;
import io.ballast.inference.scoring.Content;

/** A completion with its prompt, in the form that a member reads. */
public sealed interface BroughtItem {
  /** As texts. */
  record Texts(String prompt, String completion) implements BroughtItem {
    @Override
    public Content promptContent() {
      return new Content.Text(prompt);
    }

    @Override
    public Content completionContent() {
      return new Content.Text(completion);
    }
  }

  /** As tokens. */
  record Tokens(TokenIds prompt, TokenIds completion) implements BroughtItem {
    @Override
    public Content promptContent() {
      return new Content.Tokens(prompt);
    }

    @Override
    public Content completionContent() {
      return new Content.Tokens(completion);
    }
  }

  /** The prompt as a caller sends it. */
  Content promptContent();

  /** The completion as a caller sends it. */
  Content completionContent();
}
