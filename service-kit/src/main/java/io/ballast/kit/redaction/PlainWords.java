package io.ballast.kit.redaction;

import io.ballast.kit.call.Texts;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What stands in a spec or a row, as a refusal may name it: a number, a truth value or a name as it
 * is, and any other text by its length alone. It may be a prompt that stands where none belongs.
 */
public final class PlainWords {
  private static final int SHOWN_CHARACTERS = 40;
  private static final Pattern WORD = Pattern.compile("[A-Za-z0-9._+-]{1,40}");
  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9._+/-]{0,128}");

  private PlainWords() {}

  /** Whether {@code text} reads like a key, a choice or a number. */
  public static boolean isWord(String text) {
    return WORD.matcher(text).matches();
  }

  /** What a value is, without what it says. */
  public static String kind(@Nullable Object value) {
    return switch (value) {
      case null -> "nothing";
      case Map<?, ?> _ -> "an object";
      case List<?> _ -> "a list";
      case String text ->
          text.isEmpty() ? "an empty text" : "a text of " + characters(text.length());
      case Number _ -> "a number";
      case Boolean _ -> "true or false";
      default -> "a date, a set or bytes"; // what YAML has beyond JSON
    };
  }

  /** A number, a truth value and a word as they are; what any other value is. */
  public static String shown(@Nullable Object value) {
    return switch (value) {
      case String text when isWord(text) -> text;
      case Number number -> cut(number.toString());
      case Boolean flag -> flag.toString();
      case null, default -> kind(value);
    };
  }

  /** The name of a file, a column or a part; of what reads like none its length. */
  public static String name(String name) {
    return NAME.matcher(name).matches() ? name : "<" + characters(name.length()) + ">";
  }

  private static String characters(int count) {
    return Texts.counted(count, "character");
  }

  private static String cut(String number) {
    return number.length() <= SHOWN_CHARACTERS
        ? number
        : number.substring(0, SHOWN_CHARACTERS) + "…";
  }
}
