package io.ballast.inference.torch;

import io.ballast.inference.api.GenerationRequest;
import io.ballast.inference.api.TokenIds;
import io.ballast.inference.api.Tokenizer;
import java.io.ByteArrayOutputStream;

/**
 * A prompt as the model will see it.
 *
 * @param tokens at least one
 * @param typed what stands between the last of them and the cursor: the first tokens drawn must
 *     agree with it
 */
record PreparedPrompt(TokenIds tokens, Typed typed) {
  /** Bytes that are typed already. */
  static final class Typed {
    private final byte[] bytes;

    Typed(byte[] bytes) {
      this.bytes = bytes.clone();
    }

    byte[] bytes() {
      return bytes.clone();
    }
  }

  /**
   * Encodes, heals and truncates a prompt.
   *
   * <p>Healing goes back to the earliest token from which some single token reaches past the
   * cursor: that token, or another, may be how the text goes on. Where no token reaches past the
   * cursor there is nothing to heal.
   *
   * <p>What a model wants to see before a text precedes what is left after truncating.
   *
   * @throws IllegalArgumentException if the prompt is empty
   */
  static PreparedPrompt of(
      GenerationRequest request, Tokenizer tokenizer, VocabularyIndex index, int contextTokens) {
    TokenIds all = tokenizer.encode(request.prompt());
    if (all.size() == 0) {
      throw new IllegalArgumentException("prompt: empty (expected: at least one token)");
    }
    byte[] typed = new byte[0];
    int kept = all.size();
    if (request.heal()) {
      byte[] suffix = new byte[0];
      for (int from = all.size() - 1; from >= 0; from--) {
        byte[] bytes = index.bytesOf(all.get(from));
        suffix = joined(bytes, suffix);
        if (bytes.length == 0 || !index.canExtend(suffix)) {
          break;
        }
        kept = from;
        typed = suffix;
      }
    }
    TokenIds tokens = all.slice(0, kept);
    TokenIds beginning = tokenizer.beginning();
    if (tokenizer.begun(tokens)) {
      beginning = TokenIds.of();
    }
    if (tokens.size() == 0 && beginning.size() == 0) {
      tokens = TokenIds.of(tokenizer.endOfTextId()); // what precedes the first token of a file
    }
    int limit = Math.max(1, contextTokens - request.sampling().maxNewTokens());
    if (request.maxPromptTokens() > 0) {
      limit = Math.min(limit, request.maxPromptTokens());
    }
    if (beginning.size() + Math.min(1, tokens.size()) > limit) {
      beginning = TokenIds.of();
    }
    TokenIds last = tokens.last(limit - beginning.size());
    return new PreparedPrompt(beginning.concat(last), new Typed(typed));
  }

  private static byte[] joined(byte[] first, byte[] second) {
    ByteArrayOutputStream all = new ByteArrayOutputStream(first.length + second.length);
    all.writeBytes(first);
    all.writeBytes(second);
    return all.toByteArray();
  }
}
