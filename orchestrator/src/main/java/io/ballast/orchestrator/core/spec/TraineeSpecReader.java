package io.ballast.orchestrator.core.spec;

import io.ballast.kit.redaction.PlainWords;
import io.ballast.orchestrator.core.Faults;
import io.ballast.orchestrator.core.learner.AdapterSettings;
import io.ballast.orchestrator.core.learner.AdapterSettings.Projection;
import io.ballast.orchestrator.core.learner.OptimizerSettings;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Reads the sections {@code optimizer}, {@code adapters} and {@code average} of a spec. */
final class TraineeSpecReader {
  private static final int MAX_RANK = 65_536;

  /** What is less is 0 in 32 bits, or nearly. */
  private static final double LEAST_EPSILON = 1e-30;

  private static final double MOST_OF_THE_START = 0.5;
  private static final String ADAPTERS = "adapters";
  private static final String AVERAGE = "average";
  private static final String DECAY = "decay";
  private static final String PROJECTIONS = "projections";

  private TraineeSpecReader() {}

  /**
   * @param learningRate the schedule's peak
   * @param seed draws the adapters
   * @param updates of the whole run
   */
  static TraineeSpec read(SpecNode root, double learningRate, long seed, long updates) {
    return new TraineeSpec(
        optimizer(root, learningRate), adapters(root, seed), averageDecay(root, updates));
  }

  private static OptimizerSettings optimizer(SpecNode root, double learningRate) {
    OptimizerSettings usual = OptimizerSettings.ofRate(learningRate);
    SpecNode node =
        root.child("optimizer", "beta1", "beta2", "epsilon", "weight_decay", "max_gradient_norm");
    return new OptimizerSettings(
        learningRate,
        node.number("beta1", usual.beta1(), v -> v >= 0 && v < 1, "≥ 0 and < 1"),
        node.number("beta2", usual.beta2(), v -> v >= 0 && v < 1, "≥ 0 and < 1"),
        node.number("epsilon", usual.epsilon(), v -> v >= LEAST_EPSILON, "≥ 1e-30"),
        node.number(
            "weight_decay",
            usual.weightDecay(),
            decay -> OptimizerSettings.isDecay(decay, learningRate),
            OptimizerSettings.DECAYS),
        node.number("max_gradient_norm", usual.maxGradientNorm(), v -> v > 0, "> 0"));
  }

  private static @Nullable AdapterSettings adapters(SpecNode root, long seed) {
    if (!root.has(ADAPTERS)) {
      return null;
    }
    SpecNode node = root.child(ADAPTERS, "rank", "alpha", PROJECTIONS);
    if (!node.has("rank")) {
      throw node.flaw("rank", "absent", "a whole number, at least 1");
    }
    int rank = node.integer("rank", 1, 1, MAX_RANK);
    return new AdapterSettings(
        rank,
        node.number("alpha", rank, AdapterSettings::allowsAlpha, AdapterSettings.ALPHA_RANGE),
        projections(node),
        seed);
  }

  private static Set<Projection> projections(SpecNode node) {
    if (!node.has(PROJECTIONS)) {
      return EnumSet.allOf(Projection.class);
    }
    List<String> names = node.texts(PROJECTIONS, List.of());
    if (names.isEmpty()) {
      throw node.flaw(PROJECTIONS, "none", "at least one, or absent for all");
    }
    Set<Projection> projections = EnumSet.noneOf(Projection.class);
    for (int i = 0; i < names.size(); i++) {
      String field = "%s[%d]".formatted(PROJECTIONS, i);
      if (!projections.add(projection(node, field, names.get(i)))) {
        throw node.flaw(field, names.get(i), "each once");
      }
    }
    return projections;
  }

  private static Projection projection(SpecNode node, String field, String name) {
    return Arrays.stream(Projection.values())
        .filter(each -> each.name().equals(name.toUpperCase(Locale.ROOT)))
        .findFirst()
        .orElseThrow(
            () ->
                node.flaw(
                    field,
                    PlainWords.shown(name),
                    "one of "
                        + String.join(
                            ", ", Arrays.stream(Projection.values()).map(Enum::name).toList())));
  }

  private static @Nullable Double averageDecay(SpecNode root, long updates) {
    if (!root.has(AVERAGE)) {
      return null;
    }
    double decay =
        root.child(AVERAGE, DECAY)
            .requiredNumber(DECAY, v -> v > 0 && v < 1, "> 0 and < 1; 0 would be the weights");
    double start = Math.pow(decay, updates);
    if (start > MOST_OF_THE_START) {
      throw Faults.malformed(
          AVERAGE + "." + DECAY,
          ("%s (expected: less, or more updates than %,d: the weights that the run begins with"
                  + " would be %.2f of its candidate)")
              .formatted(decay, updates, start));
    }
    return decay;
  }
}
