package io.ballast.standalone.cli;

import java.time.Duration;
import java.time.format.DateTimeParseException;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Durations as people write them: 500ms, 30s, 2m, 1h, or ISO 8601. */
final class DurationText implements ITypeConverter<Duration> {
  private static final Pattern SHORT = Pattern.compile("(\\d+(?:\\.\\d+)?)(ms|s|m|h)");

  @Override
  public Duration convert(String value) {
    Matcher matcher = SHORT.matcher(value.toLowerCase(Locale.ROOT));
    Duration duration;
    if (matcher.matches()) {
      double nanosPerUnit =
          switch (matcher.group(2)) {
            case "ms" -> 1e6;
            case "s" -> 1e9;
            case "m" -> 60e9;
            default -> 3600e9;
          };
      duration = Duration.ofNanos((long) (Double.parseDouble(matcher.group(1)) * nanosPerUnit));
    } else {
      try {
        duration = Duration.parse(value);
      } catch (DateTimeParseException e) {
        throw refused(value);
      }
    }
    if (!duration.isPositive()) {
      throw refused(value);
    }
    return duration;
  }

  private static TypeConversionException refused(String value) {
    return new TypeConversionException(
        "'" + value + "' is no duration such as 500ms, 30s, 2m or 1h");
  }

  /** A duration for people: 12 ms, 1.3 s, 2 min 5 s. */
  static String of(double seconds) {
    if (seconds < 1) {
      return Math.round(seconds * 1000) + " ms";
    }
    if (seconds < 60) {
      return String.format(Locale.ROOT, "%.1f s", seconds);
    }
    long whole = Math.round(seconds);
    return whole < 3600
        ? whole / 60 + " min " + whole % 60 + " s"
        : whole / 3600 + " h " + whole / 60 % 60 + " min";
  }
}
