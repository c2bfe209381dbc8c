package io.ballast.safety.core.gate;

import io.ballast.safety.core.gate.CodeLexer.EndState;
import java.util.Locale;
import java.util.Set;
import java.util.function.ToDoubleFunction;

/**
 * What stage 1 sees: numbers from the last 2,048 characters before the cursor alone. All are
 * finite; yes is 1, no is 0; logs are ln(1 + n).
 *
 * <p>The names of the constants, in lower case, are the names in gate model folders; the order is
 * that of the vector. {@link FeatureSet} says which constants a version has: new ones go after the
 * last, and into a version of their own.
 */
public enum ContextFeature {
  /** Characters of the cursor's line before the cursor. */
  LINE_CHARACTERS(tail -> tail.line().length()),
  /** Spaces and tabs that the cursor's line begins with. */
  INDENT_CHARACTERS(tail -> CodeTail.indent(tail.line())),
  /** Whether the cursor's line is blank so far. */
  LINE_BLANK(tail -> is(CodeTail.isBlank(tail.line()))),
  /** Tokens of the cursor's line before the cursor. */
  LINE_TOKENS(tail -> tail.lineTokens().size()),
  /** Characters of the cursor's line over the mean of the lines before; 0 if there are none. */
  LINE_PROGRESS(
      tail -> {
        double mean = tail.meanLineCharacters();
        return mean == 0 ? 0 : tail.line().length() / mean;
      }),
  /** Characters of the word that touches the cursor; 0 if none does. */
  WORD_CHARACTERS(tail -> tail.word().length()),
  /** Whether that word begins with a capital. */
  WORD_CAPITAL(tail -> is(!tail.word().isEmpty() && Character.isUpperCase(tail.word().charAt(0)))),
  /** Whether that word is a keyword already. */
  WORD_KEYWORD(
      tail ->
          is(
              !tail.word().isEmpty()
                  && tail.lastToken()
                      .map(token -> token.kind() == CodeToken.Kind.KEYWORD)
                      .orElse(false))),
  /** Log of how often that word is an identifier of its own before. */
  WORD_OCCURRENCES(tail -> Math.log1p(tail.identifiers().getOrDefault(tail.word(), 0))),
  /** Log of how many different longer identifiers before begin with that word. */
  WORD_CONTINUATIONS(tail -> Math.log1p(tail.continuationsOfWord().size())),
  /** Of the occurrences of those, the share of the commonest; 0 if there are none. */
  WORD_CONTINUATION_AGREEMENT(
      tail -> {
        var counts = tail.continuationsOfWord();
        int sum = counts.stream().mapToInt(Integer::intValue).sum();
        int most = counts.stream().mapToInt(Integer::intValue).max().orElse(0);
        return sum == 0 ? 0 : (double) most / sum;
      }),
  /** Log of how often the last identifier before the cursor occurs before itself. */
  LAST_IDENTIFIER_OCCURRENCES(tail -> Math.log1p(lastIdentifierOccurrences(tail))),
  /** Log of how often the last two tokens stand together before. */
  PAIR_OCCURRENCES(tail -> Math.log1p(tail.repeats(2))),
  /** Log of how often the last three tokens stand together before. */
  TRIPLE_OCCURRENCES(tail -> Math.log1p(tail.repeats(3))),
  /** Log of how many lines before begin as the cursor's line does; 0 if that is blank. */
  LIKE_LINES(tail -> Math.log1p(tail.restsOfLikeLines().size())),
  /** Of those lines, the share of the commonest rest. */
  LIKE_LINE_AGREEMENT(tail -> CodeTail.agreement(tail.restsOfLikeLines())),
  /** Characters of the longest end of the tail, up to 64, that also stands earlier in it. */
  REPEAT_CHARACTERS(tail -> tail.longestRepeat().length()),
  /** Of its earlier places, the share of the commonest next character. */
  REPEAT_AGREEMENT(tail -> tail.longestRepeat().agreement()),
  /** Whether the last character is a letter, a digit, _ or $. */
  AFTER_WORD(tail -> is(Character.isJavaIdentifierPart(last(tail)) && last(tail) != 0)),
  /** Whether the last character is a space or a tab. */
  AFTER_SPACE(tail -> is(last(tail) == ' ' || last(tail) == '\t')),
  /** Whether the last character is a dot. */
  AFTER_DOT(tail -> is(last(tail) == '.')),
  /** Whether the last character opens a bracket. */
  AFTER_OPENING(tail -> is(last(tail) == '(' || last(tail) == '[' || last(tail) == '{')),
  /** Whether the last character closes a bracket. */
  AFTER_CLOSING(tail -> is(last(tail) == ')' || last(tail) == ']' || last(tail) == '}')),
  /** Whether the last token is a comma. */
  AFTER_COMMA(tail -> lastTokenIs(tail, ",")),
  /** Whether the last token is an operator. */
  AFTER_OPERATOR(tail -> lastTokenIs(tail, "=+-*/%<>!&|^~?:")),
  /** Whether the last token ends a statement or a block. */
  AFTER_STATEMENT(tail -> lastTokenIs(tail, ";{}")),
  /** The last token: 0 none, 1 identifier, 2 keyword, 3 number, 4 quoted, 5 symbol. */
  LAST_TOKEN_KIND(tail -> tail.lastToken().map(token -> token.kind().ordinal() + 1).orElse(0)),
  /** Whether the cursor's line begins with a keyword of control flow. */
  LINE_CONTROL(
      tail ->
          lineBegins(
              tail, Set.of("if", "else", "for", "while", "switch", "case", "do", "try", "catch"))),
  /** Whether the cursor's line begins with return or throw. */
  LINE_LEAVES(tail -> lineBegins(tail, Set.of("return", "throw", "break", "continue"))),
  /** Whether the cursor's line begins with a modifier or a declaring keyword. */
  LINE_DECLARES(
      tail ->
          lineBegins(
              tail,
              Set.of(
                  "public",
                  "private",
                  "protected",
                  "static",
                  "final",
                  "abstract",
                  "class",
                  "interface",
                  "enum",
                  "void",
                  "int",
                  "long",
                  "double",
                  "boolean",
                  "byte",
                  "char",
                  "var"))),
  /** Whether the cursor's line begins with an annotation. */
  LINE_ANNOTATES(tail -> lineBegins(tail, Set.of("@"))),
  /** Whether the last keyword of the cursor's line is new. */
  AFTER_NEW(
      tail ->
          is(
              tail.lineTokens().reversed().stream()
                  .filter(token -> token.kind() == CodeToken.Kind.KEYWORD)
                  .findFirst()
                  .filter(token -> token.text().equals("new"))
                  .isPresent())),
  /** Whether an = stands in the cursor's line. */
  LINE_ASSIGNS(tail -> is(symbols(tail, '=') > 0)),
  /** Dots in the cursor's line. */
  LINE_DOTS(tail -> symbols(tail, '.')),
  /** Round brackets that the cursor's line leaves open. */
  LINE_OPEN_ROUND(tail -> CodeTail.depth(tail.lineTokens(), '(', ')')),
  /** Round brackets that the tail leaves open. */
  OPEN_ROUND(tail -> CodeTail.depth(tail.tokens(), '(', ')')),
  /** Square brackets that the tail leaves open. */
  OPEN_SQUARE(tail -> CodeTail.depth(tail.tokens(), '[', ']')),
  /** Curly brackets that the tail leaves open: how deep it is nested, as far as can be seen. */
  OPEN_CURLY(tail -> CodeTail.depth(tail.tokens(), '{', '}')),
  /** Whether the cursor stands in a string, a text block or a character. */
  IN_QUOTES(tail -> is(tail.endState() == EndState.QUOTED)),
  /** Whether the cursor stands in a comment. */
  IN_COMMENT(tail -> is(tail.endState() == EndState.COMMENT)),
  /** Characters of the line before. */
  PREVIOUS_LINE_CHARACTERS(tail -> tail.previousLine().length()),
  /** Indentation of the cursor's line less that of the line before. */
  INDENT_CHANGE(tail -> CodeTail.indent(tail.line()) - CodeTail.indent(tail.previousLine())),
  /** Whether the line before ends with an opening curly bracket. */
  PREVIOUS_LINE_OPENS(tail -> is(tail.previousLine().endsWith("{"))),
  /** Whether the line before ends with a semicolon. */
  PREVIOUS_LINE_ENDS_STATEMENT(tail -> is(tail.previousLine().endsWith(";"))),
  /** Mean characters of the lines before that are not blank. */
  MEAN_LINE_CHARACTERS(CodeTail::meanLineCharacters),
  /** Log of the characters that can be seen. */
  TAIL_CHARACTERS(tail -> Math.log1p(tail.text().length())),
  /** Different identifiers over occurrences of identifiers; 1 where there are none. */
  IDENTIFIER_VARIETY(
      tail -> {
        int occurrences = tail.identifiers().values().stream().mapToInt(Integer::intValue).sum();
        return occurrences == 0 ? 1 : (double) tail.identifiers().size() / occurrences;
      });

  private final ToDoubleFunction<CodeTail> value;

  ContextFeature(ToDoubleFunction<CodeTail> value) {
    this.value = value;
  }

  /** Its name in a gate model folder. */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }

  float of(CodeTail tail) {
    return (float) value.applyAsDouble(tail);
  }

  static double is(boolean holds) {
    return holds ? 1 : 0;
  }

  private static char last(CodeTail tail) {
    return tail.text().isEmpty() ? 0 : tail.text().charAt(tail.text().length() - 1);
  }

  private static double lastTokenIs(CodeTail tail, String symbols) {
    return is(
        tail.lastToken()
            .filter(token -> token.kind() == CodeToken.Kind.SYMBOL)
            .filter(token -> symbols.contains(token.text()))
            .isPresent());
  }

  private static double lineBegins(CodeTail tail, Set<String> words) {
    return is(!tail.lineTokens().isEmpty() && words.contains(tail.lineTokens().getFirst().text()));
  }

  private static int symbols(CodeTail tail, char symbol) {
    return (int) tail.lineTokens().stream().filter(token -> token.isSymbol(symbol)).count();
  }

  private static int lastIdentifierOccurrences(CodeTail tail) {
    int end = tail.text().length() - tail.word().length();
    return tail.tokens().reversed().stream()
        .filter(token -> token.kind() == CodeToken.Kind.IDENTIFIER && token.start() < end)
        .findFirst()
        .map(token -> tail.identifiers().getOrDefault(token.text(), 1) - 1)
        .orElse(0);
  }
}
