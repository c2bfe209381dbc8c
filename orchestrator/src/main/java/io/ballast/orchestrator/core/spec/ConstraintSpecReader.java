package io.ballast.orchestrator.core.spec;

import static io.ballast.orchestrator.core.spec.SpecDefaults.C1;
import static io.ballast.orchestrator.core.spec.SpecDefaults.C2;
import static io.ballast.orchestrator.core.spec.SpecDefaults.CONSTRAINT_ENABLED;
import static io.ballast.orchestrator.core.spec.SpecDefaults.HALF_LIFE;
import static io.ballast.orchestrator.core.spec.SpecDefaults.LAGRANGIAN_BUFFER;
import static io.ballast.orchestrator.core.spec.SpecDefaults.LAMBDA_INIT;
import static io.ballast.orchestrator.core.spec.SpecDefaults.LAMBDA_MAX;
import static io.ballast.orchestrator.core.spec.SpecDefaults.LAMBDA_MIN;
import static io.ballast.orchestrator.core.spec.SpecDefaults.LAMBDA_STEP;
import static io.ballast.orchestrator.core.spec.SpecDefaults.METHOD;
import static io.ballast.orchestrator.core.spec.SpecDefaults.MULTIPLIER;
import static io.ballast.orchestrator.core.spec.SpecDefaults.PENALTY;
import static io.ballast.orchestrator.core.spec.SpecDefaults.STALENESS;
import static io.ballast.orchestrator.core.spec.SpecDefaults.STALE_VERSIONS;
import static io.ballast.orchestrator.core.spec.SpecDefaults.STD_FLOOR;

import io.ballast.orchestrator.core.Faults;
import io.ballast.orchestrator.core.spec.ConstraintSpec.MultiplierKind;
import io.ballast.rl.algorithm.AdvantageKind;
import io.ballast.rl.algorithm.ObjectiveKind;
import io.ballast.rl.bound.BoundMethod;
import io.ballast.rl.constraint.Staleness;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** Reads the sections {@code constraint} and {@code constraints} of a spec. */
final class ConstraintSpecReader {
  static final String[] KEYS = {
    "enabled",
    "method",
    "target",
    "penalty",
    "multiplier",
    "lambda_init",
    "lambda_step",
    "lambda_min",
    "lambda_max",
    "c1",
    "c2",
    "buffer",
    "staleness",
    "std_floor"
  };
  private static final String[] KEYS_OF_SEVERAL =
      Stream.concat(Stream.of(KEYS), Stream.of("name", "cost", "test")).toArray(String[]::new);
  private static final int MOST = 8;
  private static final double ROUNDING = 1e-12;
  private static final List<String> OF_A_MULTIPLIER =
      List.of(
          "target",
          "multiplier",
          "lambda_init",
          "lambda_step",
          "lambda_min",
          "lambda_max",
          "buffer",
          "staleness");
  private static final List<String> OF_HC_RLHF = List.of("c1", "c2", "std_floor");
  private static final int MAX_BUFFER = 1 << 20;
  private static final int MAX_VERSIONS = 100_000;
  private static final String POSITIVE = "> 0";

  /** Far above usual prices of harm, and far below what is not finite in a step or a loss. */
  private static final double MOST_WEIGHT = 1e6;

  private static final String WEIGHT = "0 to 1,000,000";
  private static final String POSITIVE_WEIGHT = "> 0, at most 1,000,000";

  private ConstraintSpecReader() {}

  /** How the costs of older policies count. */
  enum StalenessKind {
    KEEP,
    DROP,
    FADE
  }

  /**
   * The method of a spec's constraint.
   *
   * @param labelled whether it learns from data, whose labels have no price
   */
  static ConstraintMethod method(SpecNode root, boolean labelled) {
    return method(first(root), root.has("algorithm"), labelled);
  }

  /** An algorithm that is named is the published one: harm then has a price that does not move. */
  private static ConstraintMethod method(SpecNode node, boolean algorithmNamed, boolean labelled) {
    return node.choice(
        "method",
        enabled(node, labelled) && !algorithmNamed ? METHOD : ConstraintMethod.FIXED_PENALTY,
        List.of(ConstraintMethod.values()));
  }

  private static boolean enabled(SpecNode node, boolean labelled) {
    return node.flag("enabled", CONSTRAINT_ENABLED && !labelled);
  }

  private static ConstraintSpec read(
      SpecNode node,
      String name,
      ModelRef cost,
      BoundMethod bound,
      ConstraintSpec.Test test,
      ConstraintMethod method,
      int samples,
      boolean labelled) {
    boolean enabled = enabled(node, labelled);
    refuseWhatIsNotRead(node, enabled, method);
    if (enabled
        && method.hasMultiplier()
        && bound == BoundMethod.CLOPPER_PEARSON
        && !node.has("target")) {
      throw node.flaw(
          "target",
          "absent",
          "the allowed mean harm probability: under CLOPPER_PEARSON the test's threshold is a share");
    }
    return new ConstraintSpec(
        name,
        cost,
        enabled,
        method,
        node.number("target", test.threshold(), v -> v >= 0 && v <= 1, "0 to 1"),
        weight(node, "penalty", PENALTY),
        price(node),
        weight(node, "c1", C1),
        weight(node, "c2", C2),
        node.integer(
            "buffer",
            method == ConstraintMethod.PPO_LAGRANGIAN
                ? Math.max(LAGRANGIAN_BUFFER, samples)
                : Math.max(2, samples),
            2,
            MAX_BUFFER),
        staleness(node),
        test,
        node.number("std_floor", STD_FLOOR, v -> v > 0 && v <= 1, "> 0, at most 1"));
  }

  /**
   * The one constraint of a spec, or its several: they say who certifies, each for itself.
   *
   * @param labelled whether it learns from data, whose labels have no price: it is off unless said
   */
  static List<ConstraintSpec> read(
      SpecNode root, ModelRef cost, SafetyTestSpec test, int samples, boolean labelled) {
    List<SpecNode> nodes = several(root);
    if (nodes.isEmpty()) {
      return List.of(
          read(
              root.child("constraint", KEYS),
              ConstraintSpec.DEFAULT_NAME,
              cost,
              test.bound(),
              new ConstraintSpec.Test(test.costModel(), test.threshold(), test.delta()),
              method(root, labelled),
              samples,
              labelled));
    }
    double share = share(nodes, test.delta());
    List<ConstraintSpec> constraints = new ArrayList<>();
    for (SpecNode node : nodes) {
      String name =
          Faults.requireName(
              node.pathOf("name"), node.requiredText("name", "a name, another for each"));
      if (constraints.stream().anyMatch(each -> each.name().equals(name))) {
        throw node.flaw("name", name, "another than that of the ones before");
      }
      ConstraintSpec constraint =
          read(
              node,
              name,
              RunSpecReader.model(
                  node.child("cost", "model", "version"), cost.model(), cost.version()),
              test.bound(),
              SafetyTestSpecReader.of(node, share),
              method(node, root.has("algorithm"), labelled),
              samples,
              labelled);
      if (!constraints.isEmpty()
          && (constraint.method() != constraints.getFirst().method()
              || constraint.enabled() != constraints.getFirst().enabled())) {
        throw node.flaw(
            "method",
            constraint.enabled() ? constraint.method().name() : "off",
            "that of the first: a run prices harm by one method");
      }
      constraints.add(constraint);
    }
    requireWithin(test.delta(), constraints);
    if (test.attempts() > 1
        && constraints.stream().anyMatch(each -> each.test().delta() != share)) {
      throw Faults.malformed(
          "safety_test.attempts",
          "%d (expected: 1 where constraints say delta: attempts have equal shares)"
              .formatted(test.attempts()));
    }
    if (test.reuse() == ReuseKind.SPLIT && constraints.size() > 1) {
      throw Faults.malformed(
          "safety_test.reuse",
          "SPLIT (expected: REFUSE with several constraints: each is tested on its own part of the prompts, and a set that SPLIT shares closes at the first pass)");
    }
    return constraints;
  }

  /** The several constraints of a spec; empty if it has one at most. */
  static List<SpecNode> several(SpecNode root) {
    if (root.has("constraint") && root.has("constraints")) {
      throw root.flaw("constraints", "beside constraint", "one of them");
    }
    List<SpecNode> nodes = root.children("constraints", MOST, KEYS_OF_SEVERAL);
    if (root.has("constraints") && nodes.isEmpty()) {
      throw root.flaw("constraints", "0 objects", "a list of 1 to " + MOST + " objects");
    }
    return nodes;
  }

  /** Where the method stands, which all have in common. */
  private static SpecNode first(SpecNode root) {
    List<SpecNode> nodes = several(root);
    return nodes.isEmpty() ? root.child("constraint", KEYS) : nodes.getFirst();
  }

  /** What is left of δ for each of those that do not say theirs. */
  private static double share(List<SpecNode> nodes, double delta) {
    double said = 0;
    int silent = 0;
    for (SpecNode node : nodes) {
      SpecNode test = node.child("test", "cost_model", "threshold", "delta");
      if (test.has("delta")) {
        said += test.number("delta", 0, v -> v > 0 && v < 1, "> 0, < 1");
      } else {
        silent++;
      }
    }
    if (silent > 0 && said >= delta) {
      throw Faults.malformed(
          "constraints",
          "%s of safety_test.delta %s said (expected: less, so that something is left for the %d that say none)"
              .formatted(said, delta, silent));
    }
    return silent == 0 ? delta : (delta - said) / silent;
  }

  /** Σ δⱼ ≤ δ, so that the chance that any passes which is over its τ is at most δ. */
  private static void requireWithin(double delta, List<ConstraintSpec> constraints) {
    double sum = constraints.stream().mapToDouble(each -> each.test().delta()).sum();
    if (sum > delta * (1 + ROUNDING)) {
      throw Faults.malformed(
          "constraints",
          "delta %s together (expected: at most safety_test.delta, %s)".formatted(sum, delta));
    }
  }

  private static void refuseWhatIsNotRead(SpecNode node, boolean enabled, ConstraintMethod method) {
    if (!enabled) {
      return;
    }
    if (node.has("penalty") && method.hasMultiplier()) {
      throw node.flaw("penalty", "beside " + method, "none: its price moves");
    }
    for (String key : OF_A_MULTIPLIER) {
      if (node.has(key) && !method.hasMultiplier()) {
        throw node.flaw(key, "beside " + method, "none: its price, penalty, does not move");
      }
    }
    for (String key : OF_HC_RLHF) {
      if (node.has(key) && method != ConstraintMethod.HC_RLHF) {
        throw node.flaw(key, "beside " + method, "none: only HC_RLHF has a pessimistic bound");
      }
    }
  }

  private static ConstraintSpec.Price price(SpecNode node) {
    MultiplierKind kind = node.choice("multiplier", MULTIPLIER, List.of(MultiplierKind.values()));
    boolean log = kind == MultiplierKind.LOG;
    if (node.has("lambda_min") && !log) {
      throw node.flaw("lambda_min", "beside LINEAR", "none: only LOG needs a floor to recover");
    }
    double min = positiveWeight(node, "lambda_min", LAMBDA_MIN);
    double init = weight(node, "lambda_init", LAMBDA_INIT);
    double max = weight(node, "lambda_max", Math.max(LAMBDA_MAX, init));
    double floor = log ? min : 0;
    if (init < floor || init > max) {
      throw node.flaw(
          "lambda_init",
          Double.toString(init),
          "%s to %s, the range of the multiplier".formatted(floor, max));
    }
    return new ConstraintSpec.Price(
        kind, init, positiveWeight(node, "lambda_step", LAMBDA_STEP), min, max);
  }

  private static double weight(SpecNode node, String key, double otherwise) {
    return node.number(key, otherwise, v -> v >= 0 && v <= MOST_WEIGHT, WEIGHT);
  }

  private static double positiveWeight(SpecNode node, String key, double otherwise) {
    return node.number(key, otherwise, v -> v > 0 && v <= MOST_WEIGHT, POSITIVE_WEIGHT);
  }

  private static Staleness staleness(SpecNode constraint) {
    SpecNode node = constraint.child("staleness", "kind", "versions", "half_life");
    StalenessKind kind = node.choice("kind", STALENESS, List.of(StalenessKind.values()));
    if (node.has("versions") && kind != StalenessKind.DROP) {
      throw node.flaw("versions", "beside " + kind, "none: only DROP reads it");
    }
    if (node.has("half_life") && kind != StalenessKind.FADE) {
      throw node.flaw("half_life", "beside " + kind, "none: only FADE reads it");
    }
    return switch (kind) {
      case KEEP -> new Staleness.Keep();
      case DROP -> new Staleness.Drop(node.integer("versions", STALE_VERSIONS, 0, MAX_VERSIONS));
      case FADE -> new Staleness.Fade(node.number("half_life", HALF_LIFE, v -> v > 0, POSITIVE));
    };
  }

  /** The advantage of a spec that names none. */
  static AdvantageKind advantage(ConstraintMethod method) {
    return method.hasMultiplier() ? AdvantageKind.RLOO : SpecDefaults.ADVANTAGE;
  }

  /** The objective of a spec that names none. */
  static ObjectiveKind objective(ConstraintMethod method) {
    return method == ConstraintMethod.HC_RLHF
        ? ObjectiveKind.POLICY_GRADIENT
        : SpecDefaults.OBJECTIVE;
  }
}
