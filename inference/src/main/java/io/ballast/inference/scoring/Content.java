package io.ballast.inference.scoring;

import io.ballast.inference.api.TokenIds;

/** Text or tokens, whichever the caller has. */
public sealed interface Content {
  /** Text. */
  record Text(String text) implements Content {}

  /** Tokens, used as they are. */
  record Tokens(TokenIds tokens) implements Content {}

  /** Neither was given. */
  record Absent() implements Content {}
}
