package io.ballast.safety.core.gate;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * Splits a piece of source code that may begin and end anywhere. Comments and spaces yield no
 * token; what a string holds is not looked at. A piece that begins inside a string is understood
 * again from its next line on.
 */
final class CodeLexer {
  private static final Set<String> KEYWORDS =
      Set.of(
          "abstract",
          "assert",
          "boolean",
          "break",
          "byte",
          "case",
          "catch",
          "char",
          "class",
          "const",
          "continue",
          "default",
          "do",
          "double",
          "else",
          "enum",
          "extends",
          "false",
          "final",
          "finally",
          "float",
          "for",
          "goto",
          "if",
          "implements",
          "import",
          "instanceof",
          "int",
          "interface",
          "long",
          "native",
          "new",
          "null",
          "package",
          "private",
          "protected",
          "public",
          "record",
          "return",
          "sealed",
          "short",
          "static",
          "strictfp",
          "super",
          "switch",
          "synchronized",
          "this",
          "throw",
          "throws",
          "transient",
          "true",
          "try",
          "var",
          "void",
          "volatile",
          "while",
          "yield");

  private final String text;
  private final List<CodeToken> tokens = new ArrayList<>();
  private EndState endState = EndState.CODE;
  private int at;

  private CodeLexer(String text) {
    this.text = text;
  }

  /** Where a piece of code ends. */
  enum EndState {
    /** In code. */
    CODE,
    /** In a string, a text block or a character. */
    QUOTED,
    /** In a comment. */
    COMMENT
  }

  /** The tokens of a piece and where it ends. */
  record Lexed(List<CodeToken> tokens, EndState endState) {
    Lexed {
      tokens = List.copyOf(tokens);
    }
  }

  static Lexed lex(String text) {
    CodeLexer lexer = new CodeLexer(text);
    lexer.run();
    return new Lexed(lexer.tokens, lexer.endState);
  }

  private void run() {
    while (at < text.length()) {
      char c = text.charAt(at);
      if (Character.isWhitespace(c)) {
        at++;
      } else if (text.startsWith("//", at)) {
        int end = text.indexOf('\n', at);
        endState = end < 0 ? EndState.COMMENT : EndState.CODE;
        at = end < 0 ? text.length() : end;
      } else if (text.startsWith("/*", at)) {
        int end = text.indexOf("*/", at + 2);
        endState = end < 0 ? EndState.COMMENT : EndState.CODE;
        at = end < 0 ? text.length() : end + 2;
      } else if (text.startsWith("\"\"\"", at)) {
        textBlock();
      } else if (c == '"' || c == '\'') {
        quoted(c);
      } else if (Character.isJavaIdentifierStart(c)) {
        word();
      } else if (Character.isDigit(c)) {
        number();
      } else {
        add(CodeToken.Kind.SYMBOL, at + 1);
      }
    }
  }

  private void textBlock() {
    int end = text.indexOf("\"\"\"", at + 3);
    endState = end < 0 ? EndState.QUOTED : EndState.CODE;
    int after = end < 0 ? text.length() : end + 3;
    tokens.add(new CodeToken(CodeToken.Kind.QUOTED, "\"", at, after));
    at = after;
  }

  private void quoted(char quote) {
    int end = at + 1;
    while (end < text.length() && text.charAt(end) != quote && text.charAt(end) != '\n') {
      end += text.charAt(end) == '\\' ? 2 : 1;
    }
    boolean open = end >= text.length();
    endState = open ? EndState.QUOTED : EndState.CODE;
    int after = open ? text.length() : text.charAt(end) == quote ? end + 1 : end;
    tokens.add(new CodeToken(CodeToken.Kind.QUOTED, String.valueOf(quote), at, after));
    at = after;
  }

  private void word() {
    int end = at + 1;
    while (end < text.length() && Character.isJavaIdentifierPart(text.charAt(end))) {
      end++;
    }
    boolean keyword = KEYWORDS.contains(text.substring(at, end));
    add(keyword ? CodeToken.Kind.KEYWORD : CodeToken.Kind.IDENTIFIER, end);
  }

  private void number() {
    int end = at + 1;
    while (end < text.length()
        && (Character.isLetterOrDigit(text.charAt(end)) || text.charAt(end) == '.')) {
      end++;
    }
    add(CodeToken.Kind.NUMBER, end);
  }

  private void add(CodeToken.Kind kind, int end) {
    tokens.add(new CodeToken(kind, text.substring(at, end), at, end));
    endState = EndState.CODE;
    at = end;
  }
}
