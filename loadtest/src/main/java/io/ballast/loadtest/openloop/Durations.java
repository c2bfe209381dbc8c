package io.ballast.loadtest.openloop;

import java.time.Duration;
import java.time.format.DateTimeParseException;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Durations as people write them: {@code 500ms}, {@code 30s}, {@code 2m}, {@code PT1.5S}. */
public final class Durations {
  private static final Pattern SHORT = Pattern.compile("(\\d{1,9}(?:\\.\\d{1,9})?)(ms|s|m|h)");

  private Durations() {}

  /**
   * Reads a duration.
   *
   * @throws IllegalArgumentException naming the forms that are understood
   */
  public static Duration parse(String text) {
    Matcher matcher = SHORT.matcher(text.strip().toLowerCase(Locale.ROOT));
    if (matcher.matches()) {
      double seconds =
          switch (matcher.group(2)) {
            case "ms" -> 1e-3;
            case "s" -> 1;
            case "m" -> 60;
            default -> 3_600;
          };
      return Duration.ofNanos(Math.round(Double.parseDouble(matcher.group(1)) * seconds * 1e9));
    }
    try {
      return Duration.parse(text);
    } catch (DateTimeParseException e) {
      throw new IllegalArgumentException(
          "'" + text + "' is not a duration (expected: such as 500ms, 30s, 2m or PT1.5S)", e);
    }
  }

  /** Writes a duration in its largest unit that leaves no fraction; ISO if none does. */
  public static String format(Duration duration) {
    long millis = duration.toMillis();
    if (!duration.equals(Duration.ofMillis(millis))) {
      return duration.toString();
    }
    if (millis == 0 || millis % 1_000 != 0) {
      return millis == 0 ? "0s" : millis + "ms";
    }
    long seconds = millis / 1_000;
    return seconds % 60 != 0 ? seconds + "s" : seconds / 60 + "m";
  }
}
