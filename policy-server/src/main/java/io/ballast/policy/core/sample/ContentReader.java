package io.ballast.policy.core.sample;

import io.ballast.inference.api.TokenIds;
import io.ballast.inference.api.Tokenizer;
import io.ballast.kit.call.ItemFault;
import io.ballast.kit.call.Texts;
import io.ballast.policy.core.sample.Outcome.Failed;
import io.ballast.policy.core.sample.Outcome.Value;

/** Turns what a trainer sent into tokens or text, naming what cannot be. */
final class ContentReader {
  private final Tokenizer tokenizer;
  private final int maxBytes;

  ContentReader(Tokenizer tokenizer, int maxBytes) {
    this.tokenizer = tokenizer;
    this.maxBytes = maxBytes;
  }

  /** The tokens of {@code content}, at least one; {@code path} names it in a failure. */
  Outcome<TokenIds> tokens(String path, Content content) {
    return switch (content) {
      case Content.Absent absent -> invalid(path + ": absent (expected: text or tokens)");
      case Content.Text text -> {
        Outcome<String> whole = wholeText(path, text.text());
        yield switch (whole) {
          case Failed<String> failed -> new Failed<>(failed.fault());
          case Value<String> value -> new Value<>(tokenizer.encode(value.value()));
        };
      }
      case Content.Tokens tokens -> known(path, tokens.tokens());
    };
  }

  /**
   * The tokens of a prompt as the decoder sees it: before a text stands what the model wants to see
   * first, which {@code generate} puts there too. Tokens are taken as they are.
   */
  Outcome<TokenIds> promptTokens(String path, Content content) {
    Outcome<TokenIds> tokens = tokens(path, content);
    if (!(content instanceof Content.Text) || !(tokens instanceof Value<TokenIds> value)) {
      return tokens;
    }
    return new Value<>(
        tokenizer.begun(value.value())
            ? value.value()
            : tokenizer.beginning().concat(value.value()));
  }

  /**
   * The text that makes the decoder see {@code content}. Tokens are taken if the tokenizer would
   * split their text in the same way, for the decoder takes text.
   */
  Outcome<String> promptText(String path, Content content, int contextTokens) {
    return switch (content) {
      case Content.Absent absent -> invalid(path + ": absent (expected: text or tokens)");
      case Content.Text text -> wholeText(path, text.text());
      case Content.Tokens tokens -> {
        Outcome<TokenIds> known = known(path, tokens.tokens());
        yield switch (known) {
          case Failed<TokenIds> failed -> new Failed<>(failed.fault());
          case Value<TokenIds> value -> textOf(path, value.value(), contextTokens);
        };
      }
    };
  }

  private Outcome<String> textOf(String path, TokenIds tokens, int contextTokens) {
    if (tokens.size() >= contextTokens) {
      return tooLong("%s: %,d tokens, limit %,d".formatted(path, tokens.size(), contextTokens - 1));
    }
    TokenIds rest = tokenizer.withoutBeginning(tokens);
    String text = tokenizer.decode(rest);
    if (!tokenizer.encode(text).equals(rest)) {
      return invalid(
          path + ": the tokenizer splits the text of these tokens in another way; send the text");
    }
    return new Value<>(text);
  }

  private Outcome<String> wholeText(String path, String text) {
    if (text.isEmpty()) {
      return invalid(path + ": empty (expected: at least one token)");
    }
    int bytes = Texts.utf8Bytes(text);
    if (bytes > maxBytes) {
      return tooLong("%s: %,d bytes, limit %,d".formatted(path, bytes, maxBytes));
    }
    String flaw = Texts.encodingFlaw(text);
    return flaw == null ? new Value<>(text) : invalid(path + ": " + flaw);
  }

  private Outcome<TokenIds> known(String path, TokenIds tokens) {
    if (tokens.size() == 0) {
      return invalid(path + ": empty (expected: at least one token)");
    }
    for (int i = 0; i < tokens.size(); i++) {
      if (tokens.get(i) < 0 || tokens.get(i) >= tokenizer.vocabularySize()) {
        return invalid(
            "%s.token_ids[%d]: %d (expected: 0 to %d)"
                .formatted(path, i, tokens.get(i), tokenizer.vocabularySize() - 1));
      }
    }
    return new Value<>(tokens);
  }

  static <T> Outcome<T> invalid(String message) {
    return new Failed<>(new ItemFault(ItemFault.Reason.INVALID_INPUT, message));
  }

  static <T> Outcome<T> tooLong(String message) {
    return new Failed<>(new ItemFault(ItemFault.Reason.TOO_LONG, message));
  }
}
