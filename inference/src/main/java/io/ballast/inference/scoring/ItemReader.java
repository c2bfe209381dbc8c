package io.ballast.inference.scoring;

import io.ballast.inference.api.TokenIds;
import io.ballast.inference.api.Tokenizer;
import io.ballast.kit.call.ItemFault;
import io.ballast.kit.call.PromptCut;
import io.ballast.kit.call.Texts;
import io.ballast.kit.call.Truncation;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * Turns the items of one request into what a scoring model sees, naming what cannot be. For one
 * thread.
 */
public final class ItemReader implements ItemReading {
  private final Tokenizer tokenizer;
  private final int maxBytes;
  private final PromptWindow window;
  private final Truncation truncation;
  private final Map<Content, TokenIds> prompts =
      new HashMap<>(); // items of one prompt split it once

  /**
   * @param maxBytes the most bytes of one text in UTF-8
   * @param truncation what becomes of a prompt that is longer than {@code window}
   */
  public ItemReader(Tokenizer tokenizer, int maxBytes, PromptWindow window, Truncation truncation) {
    this.tokenizer = tokenizer;
    this.maxBytes = maxBytes;
    this.window = window;
    this.truncation = truncation;
  }

  /**
   * {@inheritDoc}
   *
   * <p>An empty prompt becomes the token that ends a text, since that precedes the first token of a
   * file.
   */
  @Override
  public SeenItem read(String path, Content prompt, Content completion) throws ItemRefusal {
    TokenIds whole = prompts.get(prompt);
    if (whole == null) {
      TokenIds tokens = tokens(path + ".prompt", prompt);
      whole = tokens.size() == 0 ? TokenIds.of(tokenizer.endOfTextId()) : tokens;
      prompts.put(prompt, whole);
    }
    TokenIds tokens = tokens(path + ".completion", completion);
    if (tokens.size() == 0) {
      throw invalid(path + ".completion: empty (expected: at least one token)");
    }
    if (tokens.size() >= window.contextTokens()) {
      throw tooLong(path + ".completion", tokens.size(), window.contextTokens() - 1, "");
    }
    return seen(path, whole, tokens);
  }

  private SeenItem seen(String path, TokenIds whole, TokenIds completion) throws ItemRefusal {
    int limit = window.limit(completion.size());
    if (whole.size() <= limit) {
      return new SeenItem(whole, completion, Optional.empty());
    }
    int kept = window.kept(whole.size(), completion.size());
    TokenIds prompt =
        switch (truncation) {
          case REFUSE ->
              throw tooLong(
                  path + ".prompt",
                  whole.size(),
                  limit,
                  "; truncation KEEP_LAST or KEEP_FIRST would cut it");
          case KEEP_LAST -> whole.last(kept);
          case KEEP_FIRST -> whole.slice(0, kept);
        };
    return new SeenItem(
        prompt,
        completion,
        Optional.of(new PromptCut(truncation, whole.size() - kept, whole.size())));
  }

  private TokenIds tokens(String path, Content content) throws ItemRefusal {
    return switch (content) {
      case Content.Absent absent -> throw invalid(path + ": absent (expected: text or tokens)");
      case Content.Text text -> tokenizer.encode(whole(path, text.text(), maxBytes));
      case Content.Tokens given ->
          known(path, given.tokens(), maxBytes, tokenizer.vocabularySize());
    };
  }

  /** Returns a text that is not too long, and whole Unicode. */
  static String whole(String path, String text, int maxBytes) throws ItemRefusal {
    int bytes = Texts.utf8Bytes(text);
    if (bytes > maxBytes) {
      throw new ItemRefusal(
          ItemFault.Reason.TOO_LONG, "%s: %,d bytes, limit %,d".formatted(path, bytes, maxBytes));
    }
    String flaw = Texts.encodingFlaw(text);
    if (flaw != null) {
      throw invalid(path + ": " + flaw);
    }
    return text;
  }

  /** Returns tokens that are not too many, each in the vocabulary. */
  static TokenIds known(String path, TokenIds tokens, int most, int vocabularySize)
      throws ItemRefusal {
    if (tokens.size() > most) {
      throw tooLong(path, tokens.size(), most, "");
    }
    for (int i = 0; i < tokens.size(); i++) {
      if (tokens.get(i) < 0 || tokens.get(i) >= vocabularySize) {
        throw invalid(
            "%s.token_ids[%d]: %d (expected: 0 to %,d)"
                .formatted(path, i, tokens.get(i), vocabularySize - 1));
      }
    }
    return tokens;
  }

  private static ItemRefusal tooLong(String path, int tokens, int limit, String advice) {
    return new ItemRefusal(
        ItemFault.Reason.TOO_LONG,
        "%s: %,d tokens, limit %,d%s".formatted(path, tokens, limit, advice));
  }

  static ItemRefusal invalid(String message) {
    return new ItemRefusal(ItemFault.Reason.INVALID_INPUT, message);
  }
}
