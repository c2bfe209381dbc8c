package io.ballast.inference.triton;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import io.ballast.inference.api.TokenIds;
import io.ballast.inference.api.Tokenizer;
import io.ballast.inference.remote.RemoteGeneration.Told;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The tokens of one generation whose text and log-probabilities are told, and nothing else. A piece
 * of text that is one token's is that token; of several, it is the tokens that the tokenizer writes
 * it with, if they are as many as were drawn. A token without a text is the one that ends it, if
 * nothing follows. The text is taken at its word: what the server's tokenizer leaves out or tidies
 * up as it decodes is not seen.
 */
final class TokensOfText {
  private static final String BROKEN_CHARACTER = "\uFFFD";

  private final Tokenizer tokenizer;
  private final Index index;
  private final StringBuilder known = new StringBuilder();
  private String text = "";
  private float[] logProbs = {};

  TokensOfText(Tokenizer tokenizer, Index index) {
    this.tokenizer = tokenizer;
    this.index = index;
  }

  /** Which token a text is, of a vocabulary. */
  static final class Index {
    private static final int SEVERAL = -1;

    private final Map<String, Integer> ids = new HashMap<>();

    private Index() {}

    /**
     * Reads a vocabulary.
     *
     * @throws ModelException UNSUPPORTED if a token's text depends on what precedes it
     */
    static Index of(Tokenizer tokenizer) {
      Index index = new Index();
      boolean spaceSeen = false;
      for (int id = 0; id < tokenizer.vocabularySize(); id++) {
        Optional<String> text = whole(tokenizer.bytesOf(id));
        if (text.isEmpty() || text.get().isEmpty()) {
          continue;
        }
        if (!spaceSeen && text.get().length() > 1 && text.get().startsWith(" ")) {
          spaceSeen = true;
          requireSpaceKept(tokenizer, id, text.get());
        }
        index.ids.merge(text.get(), id, (one, other) -> SEVERAL);
      }
      return index;
    }

    /** Texts after the prompt would lose their first space: which token it was is not told. */
    private static void requireSpaceKept(Tokenizer tokenizer, int id, String text) {
      if (!tokenizer.decode(TokenIds.of(id)).equals(text)) {
        throw new ModelException(
            Reason.UNSUPPORTED,
            "its tokenizer drops the space before a text, so that texts do not tell tokens"
                + " (expected: the model that takes input_ids, which does)");
      }
    }

    private static Optional<String> whole(byte[] bytes) {
      try {
        return Optional.of(
            StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString());
      } catch (CharacterCodingException e) {
        return Optional.empty();
      }
    }

    private Optional<Integer> find(String text) {
      return Optional.ofNullable(ids.get(text)).filter(id -> id != SEVERAL);
    }
  }

  /**
   * Takes text that follows, and the log-probabilities of its tokens; returns those found.
   *
   * @param last whether nothing comes after it
   */
  List<Told> follows(String piece, float[] fresh, boolean last) {
    text += piece;
    return found(fresh, last);
  }

  /**
   * Takes the text so far, all of it, and the log-probabilities of the tokens since; returns those
   * found.
   *
   * @param last whether nothing comes after it
   */
  List<Told> soFar(String whole, float[] fresh, boolean last) {
    if (!whole.startsWith(known.toString())) {
      throw new ModelException(
          Reason.BROKEN,
          "the text '%s' does not begin with what came before, '%s'".formatted(whole, known));
    }
    text = whole.substring(known.length());
    return found(fresh, last);
  }

  /**
   * Takes the end, where no answer was the last one when it came; returns the token that it tells.
   */
  List<Told> end() {
    return text.isEmpty() && logProbs.length == 1
        ? taken(tokenizer.endOfTextId())
        : List.of(); // the rest, if any, is not told
  }

  /**
   * Refuses an end.
   *
   * @throws ModelException BROKEN if there are tokens left that are not known
   */
  void requireWhole() {
    if (!whole()) {
      throw notTold();
    }
  }

  /** Whether no token is left that is not known. */
  boolean whole() {
    return logProbs.length == 0 && text.isEmpty();
  }

  private List<Told> found(float[] fresh, boolean last) {
    int before = logProbs.length;
    logProbs = Arrays.copyOf(logProbs, before + fresh.length);
    System.arraycopy(fresh, 0, logProbs, before, fresh.length);
    if (text.isEmpty()) {
      return last ? end() : List.of(); // which token had no text shows when nothing follows
    }
    if (logProbs.length == 0) {
      throw new ModelException(Reason.BROKEN, "the back end tells no log-probabilities");
    }
    if (text.endsWith(BROKEN_CHARACTER)) {
      return List.of(); // the rest of a character, and then its tokens, are still to come
    }
    return taken(ids());
  }

  private List<Told> taken(int... ids) {
    List<Told> told = new ArrayList<>();
    for (int i = 0; i < ids.length; i++) {
      told.add(new Told(ids[i], logProbs[i]));
    }
    known.append(text);
    text = "";
    logProbs = new float[0];
    return told;
  }

  private int[] ids() {
    Optional<Integer> one = logProbs.length == 1 ? index.find(text) : Optional.empty();
    if (one.isPresent()) {
      return new int[] {one.get()};
    }
    TokenIds written = tokenizer.encode(text);
    if (written.size() != logProbs.length || !(spells(written) || ends(written))) {
      throw notTold();
    }
    return written.toArray();
  }

  /** A tokenizer may change a text before it reads it: then the tokens are not those drawn. */
  private boolean spells(TokenIds written) {
    return tokenizer.decode(written).equals(text);
  }

  /** Whether the one token is told by its name, which is no text of a completion. */
  private boolean ends(TokenIds written) {
    return written.size() == 1 && tokenizer.endOfTextIds().contains(written.get(0));
  }

  private ModelException notTold() {
    return new ModelException(
        Reason.BROKEN,
        "after '%s' the back end tells the text '%s' of %,d tokens, which does not say what tokens they are; the model that takes input_ids tells them"
            .formatted(known, text, logProbs.length));
  }
}
