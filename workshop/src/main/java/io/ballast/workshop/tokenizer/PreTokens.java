package io.ballast.workshop.tokenizer;

import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Cuts text into the pieces that no token crosses: a line break with its indentation, a word, up to
 * three digits, a run of signs (each with one space before it), or other white space.
 *
 * <p>White space is spelled out as ASCII: what {@code \s} means differs between regex libraries.
 */
final class PreTokens {
  /** Understood alike by Java and by the tokenizer library. */
  static final String REGEX =
      "\\n[ \\t]*"
          + "| ?\\p{L}+"
          + "| ?\\p{N}{1,3}"
          + "| ?[^ \\t\\n\\r\\f\\x0B\\p{L}\\p{N}]+"
          + "|[ \\t\\r\\f\\x0B]+(?![^ \\t\\n\\r\\f\\x0B])"
          + "|[ \\t\\r\\f\\x0B]+?(?= ?[^ \\t\\n\\r\\f\\x0B])"
          + "|[ \\t\\r\\f\\x0B]+";

  private static final Pattern PATTERN = Pattern.compile(REGEX);

  private PreTokens() {}

  /** Hands every piece of {@code text} to {@code action}, in order; together they are the text. */
  static void forEach(String text, Consumer<String> action) {
    Matcher matcher = PATTERN.matcher(text);
    while (matcher.find()) {
      action.accept(matcher.group());
    }
  }
}
