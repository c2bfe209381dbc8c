package io.ballast.standalone.cli;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** What a server measures, as Prometheus reads it. */
final class ScrapedMetrics {
  private static final Pattern SERIES =
      Pattern.compile(
          "(?<name>[a-zA-Z_:][\\w:]*)(?:\\{(?<labels>(?:[^\"}]|\"(?:[^\"\\\\]|\\\\.)*\")*)})?"
              + " (?<value>[-+.\\w]+)(?: .*)?");

  private static final Pattern LABEL =
      Pattern.compile("(?<name>\\w+)=\"(?<value>(?:[^\"\\\\]|\\\\.)*)\"");

  private final Map<String, List<Series>> byName = new HashMap<>();

  private ScrapedMetrics() {}

  /** One series and its value now. */
  record Series(Map<String, String> labels, double value) {
    Series {
      labels = Map.copyOf(labels);
    }

    String label(String name) {
      return labels.getOrDefault(name, "");
    }
  }

  /** Reads the text format; what is no series is passed over. */
  static ScrapedMetrics parse(String text) {
    ScrapedMetrics metrics = new ScrapedMetrics();
    text.lines()
        .filter(line -> !line.startsWith("#"))
        .map(SERIES::matcher)
        .filter(Matcher::matches)
        .forEach(
            found ->
                metrics
                    .byName
                    .computeIfAbsent(found.group("name"), name -> new ArrayList<>())
                    .add(new Series(labels(found.group("labels")), value(found.group("value")))));
    return metrics;
  }

  private static Map<String, String> labels(@Nullable String text) {
    Map<String, String> labels = new HashMap<>();
    if (text != null) {
      LABEL
          .matcher(text)
          .results()
          .forEach(
              found -> labels.put(found.group("name"), found.group("value").translateEscapes()));
    }
    return labels;
  }

  private static double value(String text) {
    try {
      return Double.parseDouble(text.replace("Inf", "Infinity"));
    } catch (NumberFormatException e) {
      return Double.NaN; // no series, and so not there
    }
  }

  /** The series of a name; those that are NaN are not there. */
  Stream<Series> series(String name) {
    return byName.getOrDefault(name, List.of()).stream()
        .filter(series -> !Double.isNaN(series.value()));
  }

  /** Whether a name has a series. */
  boolean has(String name) {
    return series(name).findAny().isPresent();
  }

  /** The sum of a name's series; 0 if there is none. */
  double sum(String name) {
    return series(name).mapToDouble(Series::value).sum();
  }
}
