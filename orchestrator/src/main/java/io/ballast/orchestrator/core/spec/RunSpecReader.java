package io.ballast.orchestrator.core.spec;

import static io.ballast.orchestrator.core.spec.SpecDefaults.AGGREGATION;
import static io.ballast.orchestrator.core.spec.SpecDefaults.ALIAS;
import static io.ballast.orchestrator.core.spec.SpecDefaults.COMPLETIONS_PER_PROMPT;
import static io.ballast.orchestrator.core.spec.SpecDefaults.COST_MODEL;
import static io.ballast.orchestrator.core.spec.SpecDefaults.COST_VERSION;
import static io.ballast.orchestrator.core.spec.SpecDefaults.ENTROPY_COEFFICIENT;
import static io.ballast.orchestrator.core.spec.SpecDefaults.FEEDBACK_PROMPTS;
import static io.ballast.orchestrator.core.spec.SpecDefaults.GROUP_STRATEGY;
import static io.ballast.orchestrator.core.spec.SpecDefaults.ITERATIONS;
import static io.ballast.orchestrator.core.spec.SpecDefaults.KL_COEFFICIENT;
import static io.ballast.orchestrator.core.spec.SpecDefaults.KL_ESTIMATOR;
import static io.ballast.orchestrator.core.spec.SpecDefaults.KL_STOP_AT;
import static io.ballast.orchestrator.core.spec.SpecDefaults.LEARNING_RATE;
import static io.ballast.orchestrator.core.spec.SpecDefaults.LOSS_AGGREGATION;
import static io.ballast.orchestrator.core.spec.SpecDefaults.MIN_GROUP;
import static io.ballast.orchestrator.core.spec.SpecDefaults.POLICY_MODEL;
import static io.ballast.orchestrator.core.spec.SpecDefaults.PROMOTION;
import static io.ballast.orchestrator.core.spec.SpecDefaults.PROMPTS_PER_ITERATION;
import static io.ballast.orchestrator.core.spec.SpecDefaults.QUANTILE;
import static io.ballast.orchestrator.core.spec.SpecDefaults.REWARD_MODEL;
import static io.ballast.orchestrator.core.spec.SpecDefaults.REWARD_VERSION;
import static io.ballast.orchestrator.core.spec.SpecDefaults.ROLLOUT_NEW_TOKENS;
import static io.ballast.orchestrator.core.spec.SpecDefaults.ROLLOUT_PROMPT_TOKENS;
import static io.ballast.orchestrator.core.spec.SpecDefaults.ROLLOUT_TEMPERATURE;
import static io.ballast.orchestrator.core.spec.SpecDefaults.SEED;
import static io.ballast.orchestrator.core.spec.SpecDefaults.SPREAD_GROWTH;
import static io.ballast.orchestrator.core.spec.SpecDefaults.STOP_STRINGS;
import static io.ballast.orchestrator.core.spec.SpecDefaults.UPDATES_PER_ITERATION;
import static io.ballast.orchestrator.core.spec.SpecDefaults.UWO_LAMBDA;

import io.ballast.orchestrator.core.Faults;
import io.ballast.orchestrator.core.VersionSelector;
import io.ballast.orchestrator.core.learner.NamedObjective;
import io.ballast.orchestrator.core.learner.ObjectiveKind;
import io.ballast.orchestrator.core.rollout.GroupStrategy;
import io.ballast.rl.aggregation.AggregationMethod;
import io.ballast.rl.objective.LossAggregation;
import io.ballast.rl.regulariser.KlEstimator;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Makes a complete spec of what was written. Refuses unknown keys, values out of range and choices
 * that do not go together; each refusal is MALFORMED_REQUEST, names the key's path and says what
 * was expected.
 */
public final class RunSpecReader {
  private static final int MAX_NAME_CHARACTERS = 64;
  private static final int MAX_ITERATIONS = 100_000;
  private static final int MAX_PROMPTS = 1_024;
  private static final int MAX_COMPLETIONS = 64;
  static final int MAX_NEW_TOKENS = 4_096;
  static final int MAX_PROMPT_TOKENS = 1 << 20;
  private static final int MAX_STOP_STRINGS = 16;
  private static final int MAX_UPDATES = 64;
  private static final int MAX_FEEDBACK = 1_000_000;
  private static final String NOT_NEGATIVE = "≥ 0";
  private static final String POSITIVE = "> 0";

  private static final String[] ROOT_KEYS = {
    "name",
    "policy",
    "iterations",
    "seed",
    "rollout",
    "prompts",
    "reward",
    "cost",
    "costs",
    "advantage",
    "objective",
    "kl",
    "stop",
    "watch",
    "constraint",
    "constraints",
    "learning_rate",
    "safety_test",
    "promotion",
    "alias"
  };
  private static final String[] ROLLOUT_KEYS = {
    "prompts_per_iteration",
    "completions_per_prompt",
    "temperature",
    "max_new_tokens",
    "max_prompt_tokens",
    "stop_strings",
    "group_strategy",
    "min_group"
  };
  private static final String[] REWARD_KEYS = {
    "model", "version", "aggregation", "uwo_lambda", "quantile"
  };
  private static final String[] OBJECTIVE_KEYS = {
    "kind", "clip_low", "clip_high", "updates_per_iteration", "aggregation", "entropy_coefficient"
  };

  private RunSpecReader() {}

  /** Reads {@code tree}: maps, lists, texts, numbers and booleans, as a parser gives them. */
  public static RunSpec read(@Nullable Object tree) {
    RunSpec spec = complete(tree);
    SpecConsistency.require(spec);
    return spec;
  }

  /** Reads {@code tree} for the test and the promotion of a run that has learned. */
  public static RunSpec learned(@Nullable Object tree) {
    return complete(LearnedSpec.of(tree));
  }

  private static RunSpec complete(@Nullable Object tree) {
    SpecNode root = SpecNode.root(tree, ROOT_KEYS);
    RolloutSpec rollout = rollout(root.child("rollout", ROLLOUT_KEYS));
    SpecNode objectiveNode = root.child("objective", OBJECTIVE_KEYS);
    SpecNode kl = root.child("kl", "coefficient", "estimator", "stop_at");
    SpecNode stop = root.child("stop", "spread_growth");
    ConstraintMethod method = ConstraintSpecReader.method(ConstraintSpecReader.first(root));
    NamedObjective objective = objective(objectiveNode, kl, method);
    double klCoefficient = klCoefficient(kl);
    ModelRef cost = model(root.child("cost", "model", "version"), COST_MODEL, COST_VERSION);
    SafetyTestSpec test = SafetyTestSpecReader.read(root, root.has("constraints"));
    return new RunSpec(
        runName(root),
        policy(root.child("policy", "model", "version", "alias")),
        root.integer("iterations", ITERATIONS, 1, MAX_ITERATIONS),
        root.anyLong("seed", SEED),
        rollout,
        prompts(root, "prompts", true),
        reward(root.child("reward", REWARD_KEYS)),
        cost,
        root.choice(
            "advantage", ConstraintSpecReader.advantage(method), List.of(AdvantageKind.values())),
        method.klInReturn() ? objective : objective.withKl(klCoefficient, estimator(kl)),
        method.klInReturn() ? klCoefficient : 0,
        objectiveNode.integer("updates_per_iteration", UPDATES_PER_ITERATION, 1, MAX_UPDATES),
        root.number("learning_rate", LEARNING_RATE, v -> v > 0 && v <= 1, "> 0, at most 1"),
        ConstraintSpecReader.read(root, cost, test, rollout.samplesCount()),
        MeasuredSpecReader.read(root),
        new StopSpec(
            kl.number("stop_at", KL_STOP_AT, v -> v > 0, POSITIVE),
            WatchSpecReader.spreadLimit(stop, "spread_growth", SPREAD_GROWTH)),
        WatchSpecReader.read(root),
        test,
        promotion(root),
        alias(root));
  }

  /** Reads of {@code tree} what anybody may still ask of a run. */
  public static StandingSpec standing(@Nullable Object tree) {
    SpecNode root = SpecNode.root(tree, ROOT_KEYS);
    return new StandingSpec(WatchSpecReader.read(root), promotion(root), alias(root));
  }

  private static PromotionMode promotion(SpecNode root) {
    return root.choice("promotion", PROMOTION, List.of(PromotionMode.values()));
  }

  private static String alias(SpecNode root) {
    return root.name("alias", ALIAS);
  }

  private static String runName(SpecNode root) {
    String expected = "a name, 1 to 64 of [A-Za-z0-9._-], a letter or digit first";
    String name = root.requiredText("name", expected);
    Faults.requireFileName("name", name);
    if (name.length() > MAX_NAME_CHARACTERS || !Character.isLetterOrDigit(name.charAt(0))) {
      throw root.flaw("name", "'" + name + "'", expected);
    }
    return name;
  }

  private static VersionSelector policy(SpecNode node) {
    String model = node.name("model", POLICY_MODEL);
    if (node.has("version") && node.has("alias")) {
      throw node.flaw("alias", "beside a version", "version or alias, not both");
    }
    return node.has("version")
        ? VersionSelector.version(model, node.name("version", ""))
        : VersionSelector.alias(model, node.name("alias", ALIAS));
  }

  private static RolloutSpec rollout(SpecNode node) {
    int completions =
        node.integer("completions_per_prompt", COMPLETIONS_PER_PROMPT, 2, MAX_COMPLETIONS);
    return new RolloutSpec(
        node.integer("prompts_per_iteration", PROMPTS_PER_ITERATION, 1, MAX_PROMPTS),
        completions,
        node.number(
            "temperature", ROLLOUT_TEMPERATURE, v -> v >= 0.1 && v <= 2, "0.1 to 2; 1 is usual"),
        node.integer("max_new_tokens", ROLLOUT_NEW_TOKENS, 1, MAX_NEW_TOKENS),
        node.integer("max_prompt_tokens", ROLLOUT_PROMPT_TOKENS, 0, MAX_PROMPT_TOKENS),
        stopStrings(node),
        groups(node, completions));
  }

  private static GroupStrategy groups(SpecNode node, int completions) {
    String strategy = node.text("group_strategy", GROUP_STRATEGY).toUpperCase(Locale.ROOT);
    return switch (strategy) {
      case "FAIL_FAST" -> {
        if (node.has("min_group")) {
          throw node.flaw(
              "min_group", "beside FAIL_FAST", "none: FAIL_FAST ends the run at the first failure");
        }
        yield new GroupStrategy.FailFast();
      }
      case "MIN_VIABLE_GROUP" ->
          new GroupStrategy.MinViableGroup(
              node.integer("min_group", Math.min(MIN_GROUP, completions), 2, completions));
      default -> throw node.flaw("group_strategy", strategy, "one of MIN_VIABLE_GROUP, FAIL_FAST");
    };
  }

  static List<String> stopStrings(SpecNode node) {
    List<String> stops = node.texts("stop_strings", STOP_STRINGS);
    if (stops.size() > MAX_STOP_STRINGS || stops.stream().anyMatch(String::isEmpty)) {
      throw node.flaw("stop_strings", stops.size() + " texts", "at most 16, none empty");
    }
    return stops;
  }

  /** The prompts below {@code key}: exactly one source. */
  static PromptSource prompts(SpecNode parent, String key, boolean feedbackAllowed) {
    String[] sources =
        feedbackAllowed
            ? new String[] {"inline", "file", "feedback"}
            : new String[] {"inline", "file"};
    SpecNode node = parent.child(key, sources);
    List<String> given = List.of(sources).stream().filter(node::has).toList();
    if (given.size() != 1) {
      throw parent.flaw(
          key,
          given.isEmpty() ? "no source" : String.join(" and ", given),
          "exactly one of " + String.join(", ", sources));
    }
    return switch (given.getFirst()) {
      case "inline" -> new PromptSource.Inline(node.texts("inline", List.of()));
      case "file" -> new PromptSource.InFile(node.text("file", ""));
      default ->
          new PromptSource.Feedback(
              node.child("feedback", "max").integer("max", FEEDBACK_PROMPTS, 1, MAX_FEEDBACK));
    };
  }

  private static RewardSpec reward(SpecNode node) {
    return reward(node, model(node, REWARD_MODEL, REWARD_VERSION), AGGREGATION);
  }

  /** How the scores of {@code model} become a reward. */
  static RewardSpec reward(SpecNode node, ModelRef model, AggregationMethod otherwise) {
    AggregationMethod method =
        node.choiceOrNone("aggregation", otherwise, List.of(AggregationMethod.values()));
    String beside = "beside " + (method == null ? SpecNode.NONE : method);
    if (node.has("uwo_lambda") && (method == null || !method.weighsVariance())) {
      throw node.flaw("uwo_lambda", beside, "none: only UNCERTAINTY_WEIGHTED weighs the variance");
    }
    if (node.has("quantile") && method != AggregationMethod.LOWER_QUANTILE) {
      throw node.flaw("quantile", beside, "none: only LOWER_QUANTILE reads it");
    }
    return new RewardSpec(
        model,
        method,
        node.number("uwo_lambda", UWO_LAMBDA, v -> v >= 0, NOT_NEGATIVE),
        node.number("quantile", QUANTILE, v -> v > 0 && v <= 0.5, "above 0, at most 0.5"));
  }

  static ModelRef model(SpecNode node, String model, String version) {
    return new ModelRef(node.name("model", model), node.name("version", version));
  }

  private static double klCoefficient(SpecNode kl) {
    return kl.number("coefficient", KL_COEFFICIENT, v -> v >= 0, NOT_NEGATIVE);
  }

  private static KlEstimator estimator(SpecNode kl) {
    return kl.choice("estimator", KL_ESTIMATOR, List.of(KlEstimator.K3, KlEstimator.K2));
  }

  private static NamedObjective objective(SpecNode node, SpecNode kl, ConstraintMethod method) {
    if (kl.has("estimator") && method.klInReturn()) {
      throw kl.flaw(
          "estimator",
          "beside constraint.method " + method,
          "none: the KL is in the return, as the sum of log π − log π_ref");
    }
    ObjectiveKind kind =
        node.choice(
            "kind",
            ConstraintSpecReader.objective(method),
            List.of(ObjectiveKind.PPO_CLIP, ObjectiveKind.POLICY_GRADIENT, ObjectiveKind.GSPO));
    boolean clips = kind != ObjectiveKind.POLICY_GRADIENT;
    for (String key : List.of("clip_low", "clip_high")) {
      if (node.has(key) && !clips) {
        throw node.flaw(key, "beside POLICY_GRADIENT", "none: it has no ratio to clip");
      }
    }
    if (kind == ObjectiveKind.GSPO && node.has("aggregation")) {
      throw node.flaw("aggregation", "beside GSPO", "none: it has one ratio a completion");
    }
    NamedObjective objective = NamedObjective.of(kind);
    double low = node.number("clip_low", objective.clipLow(), v -> v > 0 && v < 1, "> 0, < 1");
    return objective
        .withClip(
            low,
            node.number(
                "clip_high",
                node.has("clip_low") ? low : objective.clipHigh(),
                v -> v > 0,
                POSITIVE))
        .withEntropy(
            node.number("entropy_coefficient", ENTROPY_COEFFICIENT, v -> v >= 0, NOT_NEGATIVE))
        .withAggregation(
            node.choice(
                "aggregation",
                method == ConstraintMethod.HC_RLHF
                    ? LossAggregation.SEQUENCE_MEAN_TOKEN_SUM
                    : LOSS_AGGREGATION,
                List.of(
                    LossAggregation.SEQUENCE_MEAN_TOKEN_MEAN,
                    LossAggregation.TOKEN_MEAN,
                    LossAggregation.SEQUENCE_MEAN_TOKEN_SUM)));
  }
}
