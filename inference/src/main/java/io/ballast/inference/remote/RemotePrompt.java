package io.ballast.inference.remote;

import io.ballast.inference.api.GenerationRequest;
import io.ballast.inference.api.TokenIds;
import io.ballast.inference.api.Tokenizer;

/**
 * A prompt as a back end takes it that reads texts.
 *
 * @param tokens what the back end will read in the text, and what it puts before every text
 * @param text what it is sent
 */
public record RemotePrompt(TokenIds tokens, String text) {
  /** How many places to cut are tried. */
  private static final int CUTS = 16;

  /**
   * Returns the tokens of the prompt, for a back end that takes tokens: what a text begins with,
   * and the last ones that leave room for what may be drawn.
   *
   * @throws IllegalArgumentException if there is none
   */
  public static TokenIds ids(GenerationRequest request, Tokenizer tokenizer, int contextTokens) {
    TokenIds all = tokenizer.encode(request.prompt());
    int room = room(all, request, tokenizer, contextTokens);
    return tokenizer.beginning().concat(rest(all, tokenizer).last(room));
  }

  /**
   * Returns the prompt for a back end that takes text, and begins it as its tokenizer says: the
   * request's own if all of it fits; otherwise its longest end that fits and that, written as text,
   * reads as the same tokens.
   *
   * @throws IllegalArgumentException if there is none
   */
  public static RemotePrompt written(
      GenerationRequest request, Tokenizer tokenizer, int contextTokens) {
    TokenIds all = tokenizer.encode(request.prompt());
    int room = room(all, request, tokenizer, contextTokens);
    TokenIds rest = rest(all, tokenizer);
    if (rest.size() == all.size() && rest.size() <= room) {
      return new RemotePrompt(tokenizer.beginning().concat(rest), request.prompt());
    }
    int most = Math.min(room, rest.size());
    for (int count = most; count > Math.max(0, most - CUTS); count--) {
      TokenIds last = rest.last(count);
      String text = tokenizer.decode(last);
      if (tokenizer.encode(text).equals(last)) {
        return new RemotePrompt(tokenizer.beginning().concat(last), text);
      }
    }
    throw new IllegalArgumentException(
        "prompt: %,d tokens, with room for %,d, and the back end, which takes text, would read its end as other tokens (expected: at most %,d tokens)"
            .formatted(all.size(), room, room));
  }

  private static int room(
      TokenIds all, GenerationRequest request, Tokenizer tokenizer, int contextTokens) {
    int limit = contextTokens - request.sampling().maxNewTokens();
    if (request.maxPromptTokens() > 0) {
      limit = Math.min(limit, request.maxPromptTokens());
    }
    int room = limit - tokenizer.beginning().size();
    if (all.size() == 0 || room < 1) {
      throw new IllegalArgumentException(
          "prompt: %,d tokens, with room for %,d (expected: ≥ 1)"
              .formatted(all.size(), Math.max(0, room)));
    }
    return room;
  }

  /** The tokens without what a text begins with, be there anything else or not. */
  private static TokenIds rest(TokenIds all, Tokenizer tokenizer) {
    return tokenizer.begun(all) ? all.slice(tokenizer.beginning().size(), all.size()) : all;
  }
}
