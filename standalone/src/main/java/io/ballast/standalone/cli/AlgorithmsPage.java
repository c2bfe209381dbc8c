package io.ballast.standalone.cli;

import io.ballast.rl.algorithm.AdvantageKind;
import io.ballast.rl.algorithm.Algorithm;
import io.ballast.rl.algorithm.Knob;
import io.ballast.rl.algorithm.LossSpec;
import io.ballast.rl.algorithm.ObjectiveKind;
import io.ballast.rl.algorithm.Part;
import io.ballast.rl.algorithm.Recipe;
import io.ballast.rl.algorithm.SelectorKind;
import io.ballast.rl.algorithm.ShapingKind;
import io.ballast.rl.algorithm.SourceKind;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** The page docs/algorithms.md, written from the code. */
final class AlgorithmsPage {
  private static final int RESPONSE_TOKENS = 12;

  private AlgorithmsPage() {}

  static String text() {
    List<String> lines = new ArrayList<>();
    lines.add("# Algorithms");
    lines.add("");
    lines.add(
        "Written by `./mesh algorithms --markdown` from the code; a test fails where they differ. An algorithm is a recipe: one part of each stage, with its knobs."
            + " `algorithm: GRPO` in a [spec](run-spec.md) begins with that recipe; every part and knob can be set beside it."
            + " Losses and gradients [agree with TRL's and verl's](evidence/agreement.md) but where that page says otherwise.");
    lines.add("");
    algorithms(lines);
    lines.add("## Parts");
    lines.add("");
    lines.add(
        "Symbols: π the policy, ρₜ = π(aₜ)/μ(aₜ) against the one that sampled, lr(y) = log π(y) − log π_ref(y), r a reward, V a critic, σ the logistic function, T tokens.");
    lines.add("");
    parts(lines, "source", SourceKind.values());
    parts(lines, "shaping", ShapingKind.values());
    parts(lines, "selector", SelectorKind.values());
    parts(lines, "advantage", AdvantageKind.values());
    parts(lines, "objective.kind", ObjectiveKind.values());
    compatible(lines);
    knobs(lines);
    return String.join("\n", lines) + "\n";
  }

  private static void algorithms(List<String> lines) {
    lines.add("| Algorithm | Learns by | Aggregation | KL | Knobs | Paper |");
    lines.add("|---|---|---|---|---|---|");
    for (Algorithm algorithm : Algorithm.values()) {
      Recipe recipe = algorithm.recipe(RESPONSE_TOKENS);
      lines.add(
          "| `%s` | %s | %s | %s | %s | %s |"
              .formatted(
                  algorithm,
                  AlgorithmsCommand.words(recipe),
                  AlgorithmsCommand.aggregation(recipe),
                  AlgorithmsCommand.kl(recipe),
                  values(AlgorithmsCommand.knobs(recipe).values()),
                  algorithm.paper()));
    }
    lines.add("");
  }

  private static String values(Map<Knob, Double> knobs) {
    return knobs.isEmpty()
        ? "–"
        : knobs.entrySet().stream()
            .map(
                entry ->
                    "`%s` %s"
                        .formatted(
                            entry.getKey().key(), AlgorithmsCommand.number(entry.getValue())))
            .collect(Collectors.joining(", "));
  }

  private static void parts(List<String> lines, String key, Part[] parts) {
    lines.add("| `%s` | Formula | Reads | Knobs | Source |".formatted(key));
    lines.add("|---|---|---|---|---|");
    for (Part part : parts) {
      String needs =
          part.facts().needs().stream()
              .sorted()
              .map(need -> need.words())
              .collect(Collectors.joining(", "));
      lines.add(
          "| `%s` | %s | %s | %s | %s |"
              .formatted(
                  part.name(),
                  part.facts().formula().replace("|", "\\|"),
                  needs.isEmpty() ? "–" : needs,
                  values(part.facts().knobs().values()),
                  part.facts().source()));
    }
    lines.add("");
  }

  /** What goes with what: each pair tried with every source and selector. */
  private static void compatible(List<String> lines) {
    lines.add("## What goes with what");
    lines.add("");
    lines.add(
        "For each loss and advantage the selectors with which they run; a source other than `POLICY` stands before its selector. A number: they never do, and below is why."
            + " What a constraint's method asks beyond that is in [run-spec.md](run-spec.md#the-constraint).");
    lines.add("");
    AdvantageKind[] advantages = AdvantageKind.values();
    lines.add(
        "| | "
            + Arrays.stream(advantages).map(Enum::name).collect(Collectors.joining(" | "))
            + " |");
    lines.add("|---".repeat(advantages.length + 1) + "|");
    Map<String, Integer> reasons = new LinkedHashMap<>();
    for (ObjectiveKind objective : ObjectiveKind.values()) {
      List<String> cells = new ArrayList<>();
      for (AdvantageKind advantage : advantages) {
        cells.add(cell(objective, advantage, reasons));
      }
      lines.add("| **%s** | %s |".formatted(objective, String.join(" | ", cells)));
    }
    lines.add("");
    reasons.forEach((reason, number) -> lines.add(number + ". " + reason));
    lines.add("");
  }

  private static String cell(
      ObjectiveKind objective, AdvantageKind advantage, Map<String, Integer> reasons) {
    List<String> works = new ArrayList<>();
    List<Recipe.Flaw> fewest = List.of();
    for (SourceKind source : SourceKind.values()) {
      for (SelectorKind selector : SelectorKind.values()) {
        List<Recipe.Flaw> flaws =
            Recipe.of(advantage, LossSpec.of(objective))
                .withSource(source)
                .withSelector(selector)
                .flaws();
        if (flaws.isEmpty()) {
          works.add(source == SourceKind.POLICY ? selector.name() : source + ": " + selector);
        } else if (fewest.isEmpty() || flaws.size() < fewest.size()) {
          fewest = flaws;
        }
      }
    }
    if (!works.isEmpty()) {
      return String.join("<br>", works);
    }
    String reason = fewest.getFirst().reason() + ".";
    return reasons.computeIfAbsent(reason, _ -> reasons.size() + 1).toString();
  }

  private static void knobs(List<String> lines) {
    lines.add("## Knobs");
    lines.add("");
    lines.add("| Knob | Range | Means |");
    lines.add("|---|---|---|");
    for (Knob knob : Knob.values()) {
      lines.add("| `%s` | %s | %s |".formatted(knob.key(), knob.expected(), knob.meaning()));
    }
  }
}
