package io.ballast.bulk;

import java.util.Map;
import java.util.stream.Collectors;

/**
 * What a finished job made.
 *
 * @param rows of the output, as many as of the input
 * @param values completions with a value
 * @param failures completions or rows without one, by reason
 * @param model what scored, NAME/VERSION
 */
record Summary(long rows, long values, Map<String, Long> failures, String model) {
  @Override
  public String toString() {
    String failed =
        failures.isEmpty()
            ? "none"
            : failures.entrySet().stream()
                .map(entry -> "%,d %s".formatted(entry.getValue(), entry.getKey()))
                .collect(Collectors.joining(", "));
    return "%,d rows, each once; %,d values by %s; failures: %s"
        .formatted(rows, values, model, failed);
  }
}
