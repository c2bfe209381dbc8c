package io.ballast.orchestrator.core.spec;

import static io.ballast.orchestrator.core.spec.SpecDefaults.AGGREGATION;
import static io.ballast.orchestrator.core.spec.SpecDefaults.ALIAS;
import static io.ballast.orchestrator.core.spec.SpecDefaults.COMPLETIONS_PER_PROMPT;
import static io.ballast.orchestrator.core.spec.SpecDefaults.COST_MODEL;
import static io.ballast.orchestrator.core.spec.SpecDefaults.COST_VERSION;
import static io.ballast.orchestrator.core.spec.SpecDefaults.FINAL_FRACTION;
import static io.ballast.orchestrator.core.spec.SpecDefaults.GROUP_STRATEGY;
import static io.ballast.orchestrator.core.spec.SpecDefaults.ITERATIONS;
import static io.ballast.orchestrator.core.spec.SpecDefaults.KL_STOP_AT;
import static io.ballast.orchestrator.core.spec.SpecDefaults.LEARNING_RATE;
import static io.ballast.orchestrator.core.spec.SpecDefaults.MINIBATCHES;
import static io.ballast.orchestrator.core.spec.SpecDefaults.MIN_GROUP;
import static io.ballast.orchestrator.core.spec.SpecDefaults.POLICY_MODEL;
import static io.ballast.orchestrator.core.spec.SpecDefaults.PROMOTION;
import static io.ballast.orchestrator.core.spec.SpecDefaults.PROMPTS_PER_ITERATION;
import static io.ballast.orchestrator.core.spec.SpecDefaults.QUANTILE;
import static io.ballast.orchestrator.core.spec.SpecDefaults.REWARD_MODEL;
import static io.ballast.orchestrator.core.spec.SpecDefaults.REWARD_VERSION;
import static io.ballast.orchestrator.core.spec.SpecDefaults.ROLLOUT_NEW_TOKENS;
import static io.ballast.orchestrator.core.spec.SpecDefaults.ROLLOUT_PROMPT_TOKENS;
import static io.ballast.orchestrator.core.spec.SpecDefaults.ROLLOUT_STALENESS;
import static io.ballast.orchestrator.core.spec.SpecDefaults.ROLLOUT_TEMPERATURE;
import static io.ballast.orchestrator.core.spec.SpecDefaults.SCHEDULE;
import static io.ballast.orchestrator.core.spec.SpecDefaults.SEED;
import static io.ballast.orchestrator.core.spec.SpecDefaults.STOP_STRINGS;
import static io.ballast.orchestrator.core.spec.SpecDefaults.UWO_LAMBDA;

import io.ballast.kit.redaction.PlainWords;
import io.ballast.orchestrator.core.Faults;
import io.ballast.orchestrator.core.VersionSelector;
import io.ballast.orchestrator.core.learner.LearningRateSchedule;
import io.ballast.orchestrator.core.learner.OptimizerSettings;
import io.ballast.orchestrator.core.rollout.GroupStrategy;
import io.ballast.rl.aggregation.AggregationMethod;
import io.ballast.rl.algorithm.SourceKind;
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
  private static final int MAX_STALENESS = 8;
  private static final int MAX_UPDATES = 64;
  private static final String NOT_NEGATIVE = "≥ 0";
  private static final String POSITIVE = "> 0";
  private static final String NEW_TOKENS = "max_new_tokens";
  private static final String BESIDE_DATA = "beside labelled data";

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
    "algorithm",
    "source",
    "shaping",
    "selector",
    "advantage",
    "objective",
    "kl",
    "budget",
    "stop",
    "watch",
    "evaluation",
    "early_stop",
    "candidate",
    "constraint",
    "constraints",
    "learning_rate",
    "schedule",
    "optimizer",
    "adapters",
    "average",
    "critic",
    "ptx",
    "safety_test",
    "promotion",
    "alias"
  };
  private static final String[] ROLLOUT_KEYS = {
    "prompts_per_iteration",
    "completions_per_prompt",
    "temperature",
    NEW_TOKENS,
    "max_prompt_tokens",
    "stop_strings",
    "staleness",
    "group_strategy",
    "min_group"
  };
  private static final String[] REWARD_KEYS = {
    "model", "version", "aggregation", "uwo_lambda", "quantile"
  };

  private RunSpecReader() {}

  /** Reads {@code tree}: maps, lists, texts, numbers and booleans, as a parser gives them. */
  public static RunSpec read(@Nullable Object tree) {
    RunSpec spec = complete(tree);
    SpecConsistency.require(spec);
    if (spec.follows()) {
      requireLength(SpecNode.root(tree, ROOT_KEYS).child("rollout", ROLLOUT_KEYS));
    }
    return spec;
  }

  /**
   * What is sampled is shorter by default than what is suggested: most of that would be left out.
   */
  private static void requireLength(SpecNode rollout) {
    if (!rollout.has(NEW_TOKENS)) {
      throw rollout.flaw(
          NEW_TOKENS,
          "absent",
          "with feedback.follow what suggestions may have at most, which is more than its default: ballast.policy.max-new-tokens, 24, where no request names another; a longer one is left out");
    }
  }

  /** Reads {@code tree} for the test and the promotion of a run that has learned. */
  public static RunSpec learned(@Nullable Object tree) {
    return complete(LearnedSpec.of(tree));
  }

  private static RunSpec complete(@Nullable Object tree) {
    SpecNode root = SpecNode.root(tree, ROOT_KEYS);
    List<DataSource> prompts = PromptSpecReader.training(root);
    boolean labelled = RunSpec.labelled(prompts);
    SpecNode sampling = root.child("rollout", ROLLOUT_KEYS);
    RolloutSpec rollout =
        rollout(
            sampling,
            RecipeSpecReader.source(root),
            labelled ? completionsOf(sampling, prompts) : completions(sampling));
    int iterations = root.integer("iterations", ITERATIONS, 1, MAX_ITERATIONS);
    long seed = root.anyLong("seed", SEED);
    SpecNode objective = RecipeSpecReader.objective(root);
    int minibatches = objective.integer("minibatches", MINIBATCHES, 1, MAX_UPDATES);
    int updates = objective.integer("updates_per_iteration", minibatches, 1, MAX_UPDATES);
    RecipeSpecReader.Read learned =
        RecipeSpecReader.read(
            root, ConstraintSpecReader.method(root, labelled), rollout.maxNewTokens());
    ModelRef cost = model(root.child("cost", "model", "version"), COST_MODEL, COST_VERSION);
    SafetyTestSpec test = SafetyTestSpecReader.read(root, root.has("constraints"));
    long policyUpdates =
        (long) updates * policyIterations(iterations, learned.recipe().criticWarmup());
    LearningRateSchedule rate = learningRate(root, policyUpdates);
    return new RunSpec(
        runName(root),
        policy(root.child("policy", "model", "version", "alias")),
        iterations,
        seed,
        rollout,
        prompts,
        reward(root.child("reward", REWARD_KEYS)),
        cost,
        learned.recipe(),
        learned.returnKlCoefficient(),
        updates,
        minibatches,
        rate,
        TraineeSpecReader.read(root, rate.peak(), seed, policyUpdates),
        CriticSpecReader.read(root, learned.recipe().advantage().critic(), rate.peak()),
        PtxSpecReader.read(root),
        ConstraintSpecReader.read(root, cost, test, rollout.samplesCount(), labelled),
        MeasuredSpecReader.read(root),
        BudgetSpecReader.read(root),
        new StopSpec(
            klStop(RecipeSpecReader.kl(root), labelled),
            RecipeSpecReader.kl(root).has("stop_at"),
            WatchSpecReader.stop(root, labelled)),
        WatchSpecReader.read(root, labelled),
        EvaluationSpecReader.read(root),
        test,
        promotion(root),
        alias(root));
  }

  /** How many iterations move the policy: those in which its critic does not learn alone. */
  private static int policyIterations(int iterations, int warmup) {
    if (warmup >= iterations) {
      throw Faults.malformed(
          "advantage.critic_warmup",
          "%,d (expected: less than iterations, %,d, or the policy never learns)"
              .formatted(warmup, iterations));
    }
    return iterations - warmup;
  }

  private static LearningRateSchedule learningRate(SpecNode root, long totalUpdates) {
    SpecNode node = root.child("schedule", "kind", "warmup_updates", "final_fraction");
    LearningRateSchedule.Kind kind =
        node.choice("kind", SCHEDULE, List.of(LearningRateSchedule.Kind.values()));
    if (node.has("final_fraction") && kind == LearningRateSchedule.Kind.CONSTANT) {
      throw node.flaw("final_fraction", "beside CONSTANT", "none: it does not decay");
    }
    return new LearningRateSchedule(
        kind,
        root.number(
            "learning_rate", LEARNING_RATE, OptimizerSettings::isRate, OptimizerSettings.RATES),
        node.integer("warmup_updates", 0, 0, Integer.MAX_VALUE),
        totalUpdates,
        node.number("final_fraction", FINAL_FRACTION, v -> v >= 0 && v <= 1, "0 to 1"));
  }

  /** Reads of {@code tree} what anybody may still ask of a run. */
  public static StandingSpec standing(@Nullable Object tree) {
    SpecNode root = SpecNode.root(tree, ROOT_KEYS);
    boolean labelled = RunSpec.labelled(PromptSpecReader.training(root));
    return new StandingSpec(WatchSpecReader.read(root, labelled), promotion(root), alias(root));
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

  /** What is far from the reference is known of what the policy writes, and not of data. */
  private static double klStop(SpecNode node, boolean labelled) {
    if (labelled && node.has("stop_at")) {
      throw node.flaw(
          "stop_at", BESIDE_DATA, "none: the KL to the reference is of what the policy writes");
    }
    return labelled ? Double.MAX_VALUE : node.number("stop_at", KL_STOP_AT, v -> v > 0, POSITIVE);
  }

  private static int completions(SpecNode node) {
    return node.integer("completions_per_prompt", COMPLETIONS_PER_PROMPT, 2, MAX_COMPLETIONS);
  }

  /** Two where every row is a pair. */
  private static int completionsOf(SpecNode node, List<DataSource> prompts) {
    for (String key :
        List.of(
            "completions_per_prompt", "temperature", "staleness", "min_group", "group_strategy")) {
      if (node.has(key)) {
        throw node.flaw(key, BESIDE_DATA, "none: nothing is sampled");
      }
    }
    return prompts.stream()
            .allMatch(
                source ->
                    source.rows() instanceof PromptSource.InFile file
                        && file.rows() == PromptSource.Rows.PAIRS)
        ? 2
        : 1;
  }

  private static RolloutSpec rollout(SpecNode node, SourceKind source, int completions) {
    return new RolloutSpec(
        node.integer("prompts_per_iteration", PROMPTS_PER_ITERATION, 1, MAX_PROMPTS),
        completions,
        node.number(
            "temperature", ROLLOUT_TEMPERATURE, v -> v >= 0.1 && v <= 2, "0.1 to 2; 1 is usual"),
        node.integer(NEW_TOKENS, ROLLOUT_NEW_TOKENS, 1, MAX_NEW_TOKENS),
        node.integer("max_prompt_tokens", ROLLOUT_PROMPT_TOKENS, 0, MAX_PROMPT_TOKENS),
        stopStrings(node),
        node.integer("staleness", ROLLOUT_STALENESS, 0, MAX_STALENESS),
        groups(node, RunSpec.policyCompletions(source, completions)));
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
              node.integer(
                  "min_group",
                  Math.min(MIN_GROUP, completions),
                  Math.min(2, completions),
                  completions));
      default ->
          throw node.flaw(
              "group_strategy", PlainWords.shown(strategy), "one of MIN_VIABLE_GROUP, FAIL_FAST");
    };
  }

  static List<String> stopStrings(SpecNode node) {
    List<String> stops = node.texts("stop_strings", STOP_STRINGS);
    if (stops.size() > MAX_STOP_STRINGS || stops.stream().anyMatch(String::isEmpty)) {
      throw node.flaw("stop_strings", stops.size() + " texts", "at most 16, none empty");
    }
    return stops;
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
}
