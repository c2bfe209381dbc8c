package io.ballast.inference.remote;

import io.ballast.inference.text.CompletionText;
import java.util.List;

/**
 * Whether the text that a back end sends is that of the tokens that it tells. Spaces are passed
 * over, which some take away before punctuation, and characters that are not whole.
 */
final class Spelling {
  private static final char BROKEN = '\uFFFD';

  private final CompletionText tokens = new CompletionText(List.of(), 0);
  private final StringBuilder spelled = new StringBuilder();
  private int read;

  /** Takes a token's bytes. */
  void token(byte[] bytes) {
    spelled.append(tokens.append(bytes));
  }

  /** Takes the text that follows, and returns whether the tokens so far spell it. */
  boolean spells(String piece) {
    for (int i = 0; i < piece.length(); i++) {
      char said = piece.charAt(i);
      if (passedOver(said)) {
        continue;
      }
      while (read < spelled.length() && passedOver(spelled.charAt(read))) {
        read++;
      }
      if (read == spelled.length() || spelled.charAt(read) != said) {
        return false;
      }
      read++;
    }
    return true;
  }

  private static boolean passedOver(char c) {
    return c == ' ' || c == BROKEN;
  }
}
