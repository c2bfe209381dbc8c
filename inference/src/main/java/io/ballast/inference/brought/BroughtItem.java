package io.ballast.inference.brought;

import io.ballast.inference.api.TokenIds;

/** A completion with its prompt, in the form that a member reads. */
public sealed interface BroughtItem {
  /** As texts. */
  record Texts(String prompt, String completion) implements BroughtItem {}

  /** As tokens. */
  record Tokens(TokenIds prompt, TokenIds completion) implements BroughtItem {}
}
