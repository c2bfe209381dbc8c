package io.ballast.orchestrator.core.spec;

import static io.ballast.orchestrator.core.spec.SpecDefaults.GOLD_COMPLETIONS;
import static io.ballast.orchestrator.core.spec.SpecDefaults.GOLD_EVERY;

import io.ballast.orchestrator.core.Faults;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** Reads the section {@code costs} of a spec. */
final class MeasuredSpecReader {
  private static final int MOST = 8;
  private static final int MAX_EVERY = 100_000;
  private static final int MAX_COMPLETIONS = 65_536;

  private MeasuredSpecReader() {}

  static List<MeasuredSpec> read(SpecNode root) {
    List<SpecNode> nodes =
        root.child("costs", "measured")
            .children(
                "measured", MOST, "name", "model", "version", "component", "every", "completions");
    List<MeasuredSpec> specs = new ArrayList<>();
    Set<String> names = new HashSet<>();
    for (SpecNode node : nodes) {
      MeasuredSpec spec = measured(node);
      if (!names.add(spec.name())) {
        throw node.flaw("name", spec.name(), "another than that of the one before");
      }
      specs.add(spec);
    }
    return specs;
  }

  private static MeasuredSpec measured(SpecNode node) {
    return new MeasuredSpec(
        required(node, "name", "what it is called in iterations"),
        new ModelRef(
            required(node, "model", "a cost model, or a composite reward with its component"),
            required(node, "version", "a version of it")),
        node.has("component")
            ? new MeasuredSpec.Judge.Component(node.text("component", ""))
            : new MeasuredSpec.Judge.CostModel(),
        node.integer("every", GOLD_EVERY, 1, MAX_EVERY),
        node.integer("completions", GOLD_COMPLETIONS, 2, MAX_COMPLETIONS));
  }

  private static String required(SpecNode node, String key, String what) {
    return Faults.requireName(node.pathOf(key), node.requiredText(key, what));
  }
}
