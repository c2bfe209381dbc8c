package io.ballast.safety.core.gate;

/**
 * One token of source code, as a lexer for Java-like languages sees it.
 *
 * @param kind what it is
 * @param text as it stands in the source; a string without its content, as its quote alone
 * @param start index of its first character
 * @param end index after its last character
 */
record CodeToken(Kind kind, String text, int start, int end) {
  /**
   * What a token is. The order is that of the feature {@code last_token_kind}, which starts at 1.
   */
  enum Kind {
    /** A name. */
    IDENTIFIER,
    /** A reserved word of Java, or a literal that is a word. */
    KEYWORD,
    /** A number. */
    NUMBER,
    /** A string, a text block or a character. */
    QUOTED,
    /** An operator, a bracket or a separator: one character. */
    SYMBOL
  }

  boolean isSymbol(char c) {
    return kind == Kind.SYMBOL && text.charAt(0) == c;
  }

  boolean isWord() {
    return kind == Kind.IDENTIFIER || kind == Kind.KEYWORD;
  }
}
