package io.ballast.standalone.demo.mesh;

import java.util.List;

/** What a judge reads: text, or the tokens that the policy saw and drew. */
public sealed interface Content {
  /** Text. */
  record Text(String text) implements Content {}

  /** Tokens of the serving tokenizer. */
  record Tokens(List<Integer> ids) implements Content {
    public Tokens {
      ids = List.copyOf(ids);
    }
  }

  /** Whether there is nothing to judge. */
  default boolean isEmpty() {
    return switch (this) {
      case Text text -> text.text().isEmpty();
      case Tokens tokens -> tokens.ids().isEmpty();
    };
  }
}
