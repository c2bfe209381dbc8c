package io.ballast.reward.http;

import io.ballast.inference.scoring.OnBehalf;
import io.ballast.kit.call.Lane;
import io.ballast.kit.call.Texts;
import io.ballast.kit.call.Truncation;
import io.ballast.kit.call.VersionSelector;
import io.ballast.reward.core.AggregationChoice;
import io.ballast.reward.core.AggregationNames;
import io.ballast.rl.aggregation.AggregationMethod;
import java.time.DateTimeException;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * What the address says of how to score: these clients have no field for it, and take any address.
 *
 * @param model what judges
 * @param tenant empty: the default
 * @param timeout how long the caller waits
 * @param ends texts that end a completion and are no part of it
 * @param label what the labels are called among an item's references; empty: they are not read
 */
record Options(
    VersionSelector model,
    AggregationChoice aggregation,
    Truncation truncation,
    String tenant,
    Lane lane,
    Duration timeout,
    List<String> ends,
    String label) {
  static final String MODEL = "model";
  static final String TRUNCATION = "truncation";
  static final String END = "end_of_text";
  static final String LABEL = "label";

  private static final String AGGREGATION = "aggregation";
  private static final String UWO_LAMBDA = "uwo_lambda";
  private static final String QUANTILE = "quantile";
  private static final String TENANT = "tenant";
  private static final String PRIORITY = "priority";
  private static final String TIMEOUT = "timeout";

  /** Those that every dialect has. */
  static final Set<String> COMMON =
      Set.of(AGGREGATION, UWO_LAMBDA, QUANTILE, TENANT, PRIORITY, TIMEOUT);

  /** As the server that is asked judges it; here nobody is known yet. */
  OnBehalf behalf() {
    return new OnBehalf(tenant, tenant.isEmpty());
  }

  Options {
    ends = List.copyOf(ends);
  }

  /**
   * Reads parameters; one that is not known is refused, as it may be one that is misspelt.
   *
   * @param parameters the values of each, by name
   * @param known the names that mean something
   * @param most the timeout if none is said, and the longest
   * @throws io.ballast.kit.error.MeshException MALFORMED_REQUEST, naming the parameter
   */
  static Options read(Map<String, List<String>> parameters, Set<String> known, Duration most) {
    for (String name : parameters.keySet()) {
      if (!known.contains(name)) {
        throw Texts.malformed(
            "parameter '%s'".formatted(Texts.asLine(name, 40)),
            "unknown (expected: some of %s)".formatted(String.join(", ", new TreeSet<>(known))));
      }
    }
    Function<String, Optional<String>> value = name -> single(name, parameters.get(name));
    return new Options(
        model(value.apply(MODEL).orElse("")),
        new AggregationChoice(
            value.apply(AGGREGATION).map(Options::aggregation).orElse(null),
            value.apply(UWO_LAMBDA).map(text -> number(UWO_LAMBDA, text)).orElse(null),
            value.apply(QUANTILE).map(text -> number(QUANTILE, text)).orElse(null)),
        value
            .apply(TRUNCATION)
            .map(text -> constant(TRUNCATION, text, Truncation.values()))
            .orElse(Truncation.REFUSE),
        value.apply(TENANT).orElse(""),
        value
            .apply(PRIORITY)
            .map(text -> constant(PRIORITY, text, Lane.values()))
            .orElse(Lane.TRAINER),
        value.apply(TIMEOUT).map(text -> timeout(text, most)).orElse(most),
        ends(parameters.getOrDefault(END, List.of())),
        value.apply(LABEL).orElse(""));
  }

  /**
   * Which model a name means: {@code NAME} what serves of it, {@code NAME/VERSION} a version, and
   * nothing the server's default.
   */
  static VersionSelector model(String name) {
    int slash = name.indexOf('/');
    if (slash < 0) {
      return VersionSelector.alias(name, VersionSelector.SERVING);
    }
    if (slash == 0 || slash == name.length() - 1) {
      throw Texts.malformed(
          MODEL, "'%s' (expected: NAME or NAME/VERSION)".formatted(Texts.asLine(name, 64)));
    }
    return VersionSelector.version(name.substring(0, slash), name.substring(slash + 1));
  }

  private static Optional<String> single(String name, @Nullable List<String> values) {
    if (values == null) {
      return Optional.empty();
    }
    if (values.size() != 1) {
      throw Texts.malformed(name, "%d values (expected: one)".formatted(values.size()));
    }
    return Optional.of(values.getFirst());
  }

  private static List<String> ends(List<String> values) {
    if (values.contains("")) {
      throw Texts.malformed(END, "empty (expected: text that ends a completion)");
    }
    return values;
  }

  private static AggregationMethod aggregation(String text) {
    return AggregationNames.method(text)
        .orElseThrow(
            () ->
                Texts.malformed(
                    AGGREGATION,
                    "'%s' (expected: one of %s)"
                        .formatted(
                            Texts.asLine(text, 40),
                            AggregationNames.of(List.of(AggregationMethod.values())))));
  }

  private static double number(String name, String text) {
    try {
      return Double.parseDouble(text);
    } catch (NumberFormatException e) {
      throw Texts.malformed(name, "'%s' (expected: a number)".formatted(Texts.asLine(text, 40)));
    }
  }

  private static <E extends Enum<E>> E constant(String name, String text, E[] constants) {
    return Arrays.stream(constants)
        .filter(constant -> constant.name().equalsIgnoreCase(text))
        .findFirst()
        .orElseThrow(
            () ->
                Texts.malformed(
                    name,
                    "'%s' (expected: one of %s)"
                        .formatted(
                            Texts.asLine(text, 40),
                            Arrays.stream(constants)
                                .map(constant -> constant.name().toLowerCase(Locale.ROOT))
                                .collect(Collectors.joining(", ")))));
  }

  private static Duration timeout(String text, Duration most) {
    Duration asked;
    try {
      asked = Duration.parse(text);
    } catch (DateTimeException e) {
      throw Texts.malformed(
          TIMEOUT, "'%s' (expected: a duration such as PT5S)".formatted(Texts.asLine(text, 40)));
    }
    if (!asked.isPositive()) {
      throw Texts.malformed(TIMEOUT, asked + " (expected: above 0)");
    }
    return asked.compareTo(most) < 0 ? asked : most;
  }
}
