package io.ballast.reward.core;

import io.ballast.inference.api.TokenIds;
import io.ballast.inference.api.Tokenizer;
import io.ballast.kit.call.ItemFault;
import java.nio.charset.StandardCharsets;

/** Turns what a caller sent into tokens, naming what cannot be. */
final class ItemReader {
  /** A byte-level token is seldom longer; more text than this cannot reach the prompt's tail. */
  private static final int CHARACTERS_PER_TOKEN = 64;

  private final Tokenizer tokenizer;
  private final int maxBytes;
  private final int maxPromptTokens;

  ItemReader(Tokenizer tokenizer, ItemLimits limits) {
    this.tokenizer = tokenizer;
    this.maxBytes = limits.textBytes();
    this.maxPromptTokens = limits.promptTokens();
  }

  /** An item that cannot be scored. */
  static final class ItemRefusal extends Exception {
    private static final long serialVersionUID = 1L;
    private final transient ItemFault fault;

    ItemRefusal(ItemFault.Reason reason, String message) {
      super(message);
      fault = new ItemFault(reason, message);
    }

    ItemFault fault() {
      return fault;
    }
  }

  /**
   * The last tokens of a prompt; the token that ends a text for an empty one, since that precedes
   * the first token of a file.
   */
  TokenIds prompt(String path, Content content) throws ItemRefusal {
    TokenIds tokens =
        switch (content) {
          case Content.Absent absent -> throw invalid(path + ": absent (expected: text or tokens)");
          case Content.Text text -> tokenizer.encode(tail(whole(path, text.text())));
          case Content.Tokens given -> known(path, given.tokens());
        };
    TokenIds last = maxPromptTokens == 0 ? tokens : tokens.last(maxPromptTokens);
    return last.size() == 0 ? TokenIds.of(tokenizer.endOfTextId()) : last;
  }

  /** All tokens of a completion, at least one. */
  TokenIds completion(String path, Content content) throws ItemRefusal {
    TokenIds tokens =
        switch (content) {
          case Content.Absent absent -> throw invalid(path + ": absent (expected: text or tokens)");
          case Content.Text text -> tokenizer.encode(whole(path, text.text()));
          case Content.Tokens given -> known(path, given.tokens());
        };
    if (tokens.size() == 0) {
      throw invalid(path + ": empty (expected: at least one token)");
    }
    return tokens;
  }

  private String tail(String text) {
    long characters = (long) maxPromptTokens * CHARACTERS_PER_TOKEN;
    if (maxPromptTokens == 0 || text.length() <= characters) {
      return text;
    }
    int from = text.length() - (int) characters;
    return text.substring(Character.isLowSurrogate(text.charAt(from)) ? from - 1 : from);
  }

  private String whole(String path, String text) throws ItemRefusal {
    int bytes = text.getBytes(StandardCharsets.UTF_8).length;
    if (bytes > maxBytes) {
      throw new ItemRefusal(
          ItemFault.Reason.TOO_LONG, "%s: %,d bytes, limit %,d".formatted(path, bytes, maxBytes));
    }
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      boolean pair =
          Character.isHighSurrogate(c)
              && i + 1 < text.length()
              && Character.isLowSurrogate(text.charAt(i + 1));
      if (pair) {
        i++;
      } else if (Character.isSurrogate(c)) {
        throw invalid(
            "%s: character %d is a lone surrogate (expected: valid UTF-8)".formatted(path, i));
      }
    }
    return text;
  }

  private TokenIds known(String path, TokenIds tokens) throws ItemRefusal {
    if (tokens.size() > maxBytes) {
      throw new ItemRefusal(
          ItemFault.Reason.TOO_LONG,
          "%s: %,d tokens, limit %,d".formatted(path, tokens.size(), maxBytes));
    }
    for (int i = 0; i < tokens.size(); i++) {
      if (tokens.get(i) < 0 || tokens.get(i) >= tokenizer.vocabularySize()) {
        throw invalid(
            "%s.token_ids[%d]: %d (expected: 0 to %,d)"
                .formatted(path, i, tokens.get(i), tokenizer.vocabularySize() - 1));
      }
    }
    return tokens;
  }

  private static ItemRefusal invalid(String message) {
    return new ItemRefusal(ItemFault.Reason.INVALID_INPUT, message);
  }
}
