package io.ballast.orchestrator.core.spec;

import static io.ballast.orchestrator.core.spec.SpecDefaults.KL_COEFFICIENT;
import static io.ballast.orchestrator.core.spec.SpecDefaults.KL_ESTIMATOR;
import static io.ballast.orchestrator.core.spec.SpecDefaults.LOSS_AGGREGATION;

import io.ballast.rl.algorithm.AdvantageKind;
import io.ballast.rl.algorithm.Algorithm;
import io.ballast.rl.algorithm.KlTarget;
import io.ballast.rl.algorithm.Knob;
import io.ballast.rl.algorithm.Knobs;
import io.ballast.rl.algorithm.LossSpec;
import io.ballast.rl.algorithm.ObjectiveKind;
import io.ballast.rl.algorithm.Part;
import io.ballast.rl.algorithm.Recipe;
import io.ballast.rl.algorithm.RewardKl;
import io.ballast.rl.algorithm.SelectorKind;
import io.ballast.rl.algorithm.ShapingKind;
import io.ballast.rl.algorithm.SourceKind;
import io.ballast.rl.objective.Aggregation;
import io.ballast.rl.objective.LossAggregation;
import io.ballast.rl.regulariser.KlEstimator;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Reads what a run learns by: the recipe of a named algorithm, or of the constraint's method, and
 * what the spec says beside it. Parts and their knobs are read by what they say of themselves: a
 * new one needs nothing here.
 */
final class RecipeSpecReader {
  static final String[] KEYS = {
    "algorithm", "source", "shaping", "selector", "advantage", "objective", "kl"
  };
  private static final String KIND = "kind";
  private static final String COEFFICIENT = "coefficient";
  private static final String ESTIMATOR = "estimator";
  private static final String PLACE = "place";
  private static final String TARGET = "target";
  private static final String HORIZON = "horizon";
  private static final String CLIP_LOW = Knob.CLIP_LOW.key();
  private static final String NOT_NEGATIVE = "≥ 0";

  /**
   * A recipe, and what stands beside it.
   *
   * @param recipe to learn by
   * @param returnKlCoefficient β of the KL in the return of a constraint's method
   */
  record Read(Recipe recipe, double returnKlCoefficient) {}

  /** Where the KL to the reference enters. */
  private enum KlPlace {
    LOSS,
    REWARD
  }

  private final SpecNode root;
  private final ConstraintMethod method;
  private final int responseTokens;

  private RecipeSpecReader(SpecNode root, ConstraintMethod method, int responseTokens) {
    this.root = root;
    this.method = method;
    this.responseTokens = responseTokens;
  }

  static Read read(SpecNode root, ConstraintMethod method, int responseTokens) {
    return new RecipeSpecReader(root, method, responseTokens).read();
  }

  /** The keys that stand below {@code objective}: of all losses, and those of each. */
  private static String[] objectiveKeys() {
    return keys(
        List.of(ObjectiveKind.values()),
        KIND,
        "updates_per_iteration",
        "minibatches",
        "aggregation",
        "entropy_coefficient");
  }

  private static String[] keys(List<? extends Part> parts, String... others) {
    return Stream.concat(
            Arrays.stream(others),
            parts.stream()
                .flatMap(part -> part.facts().knobs().values().keySet().stream())
                .distinct()
                .sorted()
                .map(Knob::key))
        .toArray(String[]::new);
  }

  static SpecNode objective(SpecNode root) {
    return root.child("objective", objectiveKeys());
  }

  static SpecNode kl(SpecNode root) {
    return root.child("kl", COEFFICIENT, ESTIMATOR, PLACE, TARGET, HORIZON, "stop_at");
  }

  /** Who writes the completions: what a group can have at most depends on it. */
  static SourceKind source(SpecNode root) {
    SourceKind otherwise =
        root.has("algorithm")
            ? root.requiredChoice("algorithm", List.of(Algorithm.values())).recipe(1).source()
            : SourceKind.POLICY;
    return root.choice("source", otherwise, List.of(SourceKind.values()));
  }

  private Read read() {
    Recipe base = base();
    AdvantageKind advantage = base.advantage();
    Knobs knobs = base.knobs();
    if (root.has("advantage")) {
      SpecNode node = root.named("advantage", keys(List.of(AdvantageKind.values()), KIND));
      advantage = node.choice(KIND, advantage, List.of(AdvantageKind.values()));
      knobs = knobs(node, advantage, List.of(AdvantageKind.values())).over(knobs);
    }
    Set<ShapingKind> shaping = base.shaping();
    if (root.has("shaping")) {
      shaping = EnumSet.noneOf(ShapingKind.class);
      for (SpecNode node :
          root.namedChildren(
              "shaping", ShapingKind.values().length, keys(List.of(ShapingKind.values()), KIND))) {
        ShapingKind kind = node.requiredChoice(KIND, List.of(ShapingKind.values()));
        shaping.add(kind);
        knobs = knobs(node, kind, List.of(ShapingKind.values())).over(knobs);
      }
    }
    SourceKind source = source(root);
    SelectorKind selector = source == SourceKind.DATA ? base.selector().ofData() : base.selector();
    if (root.has("selector")) {
      SpecNode node = root.named("selector", keys(List.of(SelectorKind.values()), KIND));
      selector = node.choice(KIND, selector, List.of(SelectorKind.values()));
      knobs = knobs(node, selector, List.of(SelectorKind.values())).over(knobs);
    }
    Recipe recipe =
        new Recipe(source, shaping, base.rewardKl(), selector, advantage, loss(base), null, knobs);
    return withKl(recipe, base);
  }

  private Recipe base() {
    if (root.has("algorithm")) {
      return root.requiredChoice("algorithm", List.of(Algorithm.values())).recipe(responseTokens);
    }
    Aggregation aggregation =
        method == ConstraintMethod.HC_RLHF
            ? Aggregation.sequenceMeanTokenSum()
            : new Aggregation(LOSS_AGGREGATION, 1);
    return Recipe.of(
        ConstraintSpecReader.advantage(method),
        LossSpec.of(ConstraintSpecReader.objective(method))
            .withAggregation(aggregation)
            .withKl(KL_COEFFICIENT, KL_ESTIMATOR));
  }

  private LossSpec loss(Recipe base) {
    SpecNode node = objective(root);
    ObjectiveKind kind = node.choice(KIND, base.loss().kind(), List.of(ObjectiveKind.values()));
    LossSpec from =
        kind == base.loss().kind()
            ? base.loss()
            : LossSpec.of(kind)
                .withAggregation(base.loss().aggregation())
                .withKl(base.loss().klCoefficient(), base.loss().klEstimator());
    Knobs given = knobs(node, kind, List.of(ObjectiveKind.values()));
    if (node.has(CLIP_LOW) && !node.has(Knob.CLIP_HIGH.key()) && !clipsHigher(from)) {
      given = given.with(Knob.CLIP_HIGH, given.get(Knob.CLIP_LOW));
    }
    return new LossSpec(
        kind,
        given.over(from.knobs()),
        aggregation(node, kind, from),
        from.klCoefficient(),
        from.klEstimator(),
        node.number("entropy_coefficient", from.entropyCoefficient(), v -> v >= 0, NOT_NEGATIVE));
  }

  /** A published algorithm that clips higher goes on doing so. */
  private boolean clipsHigher(LossSpec from) {
    return root.has("algorithm")
        && from.knobs().get(Knob.CLIP_HIGH) > from.knobs().get(Knob.CLIP_LOW);
  }

  private Aggregation aggregation(SpecNode node, ObjectiveKind kind, LossSpec otherwise) {
    if (!node.has("aggregation")) {
      return otherwise.aggregation();
    }
    if (!kind.aggregates()) {
      throw node.flaw("aggregation", "beside " + kind, "none: its loss is of whole completions");
    }
    LossAggregation mode =
        node.choice(
            "aggregation", otherwise.aggregation().mode(), List.of(LossAggregation.values()));
    return new Aggregation(mode, mode == LossAggregation.CONSTANT_DIVISOR ? responseTokens : 1);
  }

  /** The knobs that {@code node} says; one that {@code part} does not read is refused. */
  private static Knobs knobs(SpecNode node, Part part, List<? extends Part> others) {
    Knobs knobs = Knobs.none();
    for (Knob knob : Knob.values()) {
      if (!node.has(knob.key())) {
        continue;
      }
      if (!part.facts().knobs().values().containsKey(knob)) {
        List<String> readers = new ArrayList<>();
        others.stream()
            .filter(each -> each.facts().knobs().values().containsKey(knob))
            .forEach(each -> readers.add(each.name()));
        throw node.flaw(
            knob.key(),
            "beside " + part.name(),
            "none: it is read by " + String.join(", ", readers));
      }
      knobs = knobs.with(knob, node.number(knob.key(), 0, knob::allows, knob.expected()));
    }
    return knobs;
  }

  /** Where the KL enters, and how much it weighs. */
  private Read withKl(Recipe recipe, Recipe base) {
    SpecNode node = kl(root);
    double coefficient = node.number(COEFFICIENT, base.klCoefficient(), v -> v >= 0, NOT_NEGATIVE);
    Recipe without =
        recipe.withRewardKl(RewardKl.none()).withLoss(loss -> loss.withKl(0, KlEstimator.K3));
    if (method.klInReturn()) {
      for (String key : List.of(ESTIMATOR, PLACE, TARGET, HORIZON)) {
        if (node.has(key)) {
          throw node.flaw(
              key,
              "beside constraint.method " + method,
              "none: the KL is in the return, as the sum of log π − log π_ref");
        }
      }
      return new Read(without, coefficient);
    }
    KlPlace place =
        node.choice(
            PLACE,
            base.rewardKl().coefficient() > 0 ? KlPlace.REWARD : KlPlace.LOSS,
            List.of(KlPlace.values()));
    Recipe placed =
        switch (place) {
          case REWARD ->
              without.withRewardKl(
                  new RewardKl(
                      coefficient,
                      node.choice(ESTIMATOR, KlEstimator.K1, List.of(KlEstimator.values()))));
          case LOSS -> {
            KlEstimator estimator =
                node.choice(ESTIMATOR, KL_ESTIMATOR, List.of(KlEstimator.K3, KlEstimator.K2));
            yield without.withLoss(loss -> loss.withKl(coefficient, estimator));
          }
        };
    return new Read(placed.withKlTarget(klTarget(node, coefficient)), 0);
  }

  /** Null where the coefficient stays. */
  private static @Nullable KlTarget klTarget(SpecNode node, double coefficient) {
    if (!node.has(TARGET)) {
      if (node.has(HORIZON)) {
        throw node.flaw(HORIZON, "without kl.target", "both, or neither: the coefficient stays");
      }
      return null;
    }
    if (coefficient == 0) {
      throw node.flaw(TARGET, "beside a coefficient of 0", "a coefficient > 0, which it moves");
    }
    return new KlTarget(
        node.number(TARGET, 0, v -> v > 0, "> 0"),
        node.number(HORIZON, KlTarget.DEFAULT_HORIZON, v -> v > 0, "> 0"));
  }
}
