package io.ballast.inference.api;

import java.util.Set;

/** Turns text into token ids and back. Safe for use by many threads; never truncates silently. */
public interface Tokenizer {
  /** Returns the ids of {@code text}, without any special token added; none for the empty text. */
  TokenIds encode(String text);

  /** Returns the text of {@code tokens}; bytes that are not UTF-8 become U+FFFD. */
  String decode(TokenIds tokens);

  /** Returns the bytes that token {@code id} stands for; none for a special token. */
  byte[] bytesOf(int id);

  /** The number of ids, special tokens included. */
  int vocabularySize();

  /** The id that ends a text, which also precedes the first token of a file. */
  int endOfTextId();

  /** All ids that end a text; most models have one. */
  default Set<Integer> endOfTextIds() {
    return Set.of(endOfTextId());
  }

  /**
   * What a model wants to see before the first token of a text, such as a token that begins it;
   * nothing for most. {@link #encode} does not put it there.
   */
  default TokenIds beginning() {
    return TokenIds.of();
  }

  /** Whether {@code tokens} have what a text begins with: a chat template puts it there itself. */
  default boolean begun(TokenIds tokens) {
    TokenIds beginning = beginning();
    return tokens.size() >= beginning.size() && tokens.slice(0, beginning.size()).equals(beginning);
  }

  /**
   * Returns {@code tokens} without what a text begins with, which a decoder puts back; all of them
   * if it is not there or nothing follows it.
   */
  default TokenIds withoutBeginning(TokenIds tokens) {
    int beginning = beginning().size();
    return begun(tokens) && tokens.size() > beginning
        ? tokens.slice(beginning, tokens.size())
        : tokens;
  }
}
