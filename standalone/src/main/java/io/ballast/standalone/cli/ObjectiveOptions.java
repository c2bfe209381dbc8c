package io.ballast.standalone.cli;

import io.ballast.inference.onnx.ScoringObjective;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine.Spec.Target;

/** Several objectives, each with a file of judgements and a weight. */
final class ObjectiveOptions {
  @Option(
      names = "--objective",
      paramLabel = "NAME=FILE",
      description =
          "In place of FILE, once for each of 1 to 16 objectives: its judgements; what is preferred"
              + " or graded higher has more of it. Each member gets a head for each, and its score is"
              + " the sum by --weight. Names are "
              + "[a-z][a-z0-9]*(_[a-z0-9]+)*.")
  private List<String> objectives = List.of();

  @Option(
      names = "--weight",
      paramLabel = "NAME=NUMBER",
      description =
          "Of an objective's standardised score in the sum, once for each: "
              + ScoringObjective.WEIGHTS
              + "; below 0 for what there shall be less of.")
  private List<String> weights = List.of();

  @Spec(Target.MIXEE)
  private CommandSpec spec = CommandSpec.create();

  /** One of them. */
  record Choice(String name, double weight, Path file) {
    /** What its file is called. */
    String fileName() {
      return String.valueOf(file.getFileName());
    }
  }

  /** Whether there are any. */
  boolean isAsked() {
    return !objectives.isEmpty() || !weights.isEmpty();
  }

  /**
   * The objectives, in their order.
   *
   * @throws ParameterException naming what is no objective or no weight, is there twice, or lacks
   *     the other
   */
  List<Choice> choices() {
    Map<String, String> files = named("--objective", "NAME=FILE", objectives);
    Map<String, String> numbers = named("--weight", "NAME=NUMBER", weights);
    for (String name : numbers.keySet()) {
      if (!files.containsKey(name)) {
        throw refused("--weight %s: there is no --objective %s".formatted(name, name));
      }
    }
    if (files.size() > ScoringObjective.MAX_COUNT) {
      throw refused(
          "--objective: %d of them (expected: at most %d)"
              .formatted(files.size(), ScoringObjective.MAX_COUNT));
    }
    List<Choice> choices = new ArrayList<>();
    files.forEach(
        (name, file) -> {
          String number = numbers.get(name);
          if (number == null) {
            throw refused("--objective %s: there is no --weight %s".formatted(name, name));
          }
          choices.add(new Choice(name, weight(name, number), Path.of(file)));
        });
    return choices;
  }

  private double weight(String name, String number) {
    try {
      double weight = Double.parseDouble(number);
      ScoringObjective.requireWeight(weight);
      return weight;
    } catch (IllegalArgumentException e) {
      throw refused(
          "--weight %s=%s (expected: a number, %s)"
              .formatted(name, number, ScoringObjective.WEIGHTS));
    }
  }

  private Map<String, String> named(String option, String form, List<String> values) {
    Map<String, String> named = new LinkedHashMap<>();
    for (String value : values) {
      int sign = value.indexOf('=');
      if (sign < 1 || sign == value.length() - 1) {
        throw refused("%s: %s (expected: %s)".formatted(option, value, form));
      }
      String name = value.substring(0, sign);
      try {
        ScoringObjective.requireName(name);
      } catch (IllegalArgumentException e) {
        throw refused(option + ": " + e.getMessage());
      }
      if (named.put(name, value.substring(sign + 1)) != null) {
        throw refused("%s: %s is there twice".formatted(option, name));
      }
    }
    return named;
  }

  private ParameterException refused(String what) {
    return new ParameterException(spec.commandLine(), what);
  }
}
