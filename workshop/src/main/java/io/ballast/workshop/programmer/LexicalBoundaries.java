package io.ballast.workshop.programmer;

import java.util.BitSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Finds where words, literals and operators of a line of Java end. */
final class LexicalBoundaries {
  private static final Pattern LEXEME =
      Pattern.compile(
          "\"\"\"|\"(?:\\\\.|[^\"\\\\])*+\"?"
              + "|'(?:\\\\.|[^'\\\\])*+'?"
              + "|[\\p{L}\\p{Nl}_$][\\p{L}\\p{N}_$]*"
              + "|\\.?\\p{N}(?:[eEpP][+-]|[\\p{L}\\p{N}_.])*"
              + "|>>>=|<<=|>>=|\\.\\.\\.|->|::|\\+\\+|--|&&|\\|\\||[=!<>+\\-*/&|^%]=|<<"
              + "|\\S");

  private LexicalBoundaries() {}

  /** Returns the offsets in {@code line} just after each lexeme. */
  static BitSet of(String line) {
    BitSet ends = new BitSet(line.length() + 1);
    Matcher matcher = LEXEME.matcher(line);
    while (matcher.find()) {
      ends.set(matcher.end());
    }
    return ends;
  }
}
