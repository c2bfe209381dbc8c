package io.ballast.orchestrator.core.spec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.orchestrator.adapter.SpecParser;
import io.ballast.orchestrator.core.VersionSelector;
import io.ballast.orchestrator.core.learner.NamedObjective;
import io.ballast.orchestrator.core.learner.ObjectiveKind;
import io.ballast.orchestrator.core.rollout.GroupStrategy;
import io.ballast.orchestrator.core.spec.ConstraintSpec.MultiplierKind;
import io.ballast.rl.aggregation.AggregationMethod;
import io.ballast.rl.bound.BoundMethod;
import io.ballast.rl.constraint.Staleness;
import io.ballast.rl.objective.LossAggregation;
import io.ballast.rl.regulariser.KlEstimator;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A spec is read completely, or refused by the path of its first flaw. */
class RunSpecTest {
  private static final String LEAST =
      """
      name: least
      prompts: {inline: [a]}
      safety_test: {threshold: 0.3, prompts: {inline: [b, c]}}
      """;

  private static RunSpec read(String spec) {
    return new SpecParser().apply(spec);
  }

  @Test
  void everythingElseHasADefault() {
    assertThat(read(LEAST))
        .isEqualTo(
            new RunSpec(
                "least",
                VersionSelector.alias("java-tiny", "serving"),
                20,
                0,
                new RolloutSpec(
                    32, 8, 1, 12, 64, List.of("\n"), new GroupStrategy.MinViableGroup(4)),
                new PromptSource.Inline(List.of("a")),
                new RewardSpec(
                    new ModelRef("java-reward", "1"), AggregationMethod.WORST_CASE, 0.5, 0.25),
                new ModelRef("java-cost", "1"),
                AdvantageKind.RLOO,
                NamedObjective.of(ObjectiveKind.POLICY_GRADIENT)
                    .withAggregation(LossAggregation.SEQUENCE_MEAN_TOKEN_SUM),
                0.1,
                1,
                1.5e-4,
                List.of(
                    new ConstraintSpec(
                        "harm",
                        new ModelRef("java-cost", "1"),
                        true,
                        ConstraintMethod.HC_RLHF,
                        0.3,
                        1,
                        new ConstraintSpec.Price(MultiplierKind.LOG, 1, 0.1, 0.01, 5),
                        1,
                        1,
                        256,
                        new Staleness.Keep(),
                        new ConstraintSpec.Test(new ModelRef("java-cost", "2"), 0.3, 0.1),
                        0.05)),
                List.of(),
                new StopSpec(0.3, new SpreadLimit(3, false)),
                new WatchSpec(new SpreadLimit(1.7, false), 0.5, 3, WatchAction.RECORD, null),
                new SafetyTestSpec(
                    new ModelRef("java-cost", "2"),
                    0.3,
                    0.1,
                    BoundMethod.STUDENT_T,
                    ReuseKind.REFUSE,
                    1,
                    1,
                    0,
                    new PromptSource.Inline(List.of("b", "c")),
                    1,
                    24,
                    96,
                    List.of("\n")),
                PromotionMode.AUTOMATIC,
                "serving"));
  }

  @Test
  void eachMethodHasItsOwnDefaults() {
    RunSpec lagrangian = read(LEAST + "constraint: {method: PPO_LAGRANGIAN}");
    RunSpec penalty = read(LEAST + "constraint: {method: FIXED_PENALTY, penalty: 3}");
    RunSpec off = read(LEAST + "constraint: {enabled: false}");

    assertThat(lagrangian.advantage()).isEqualTo(AdvantageKind.RLOO);
    assertThat(lagrangian.objective()).isEqualTo(NamedObjective.of(ObjectiveKind.PPO_CLIP));
    assertThat(lagrangian.returnKlCoefficient()).isEqualTo(0.1);
    assertThat(lagrangian.constraints().getFirst().buffer())
        .as("an iteration has more than 128")
        .isEqualTo(256);
    assertThat(
            read(LEAST
                    + "constraint: {method: PPO_LAGRANGIAN}\nrollout: {prompts_per_iteration: 4}")
                .constraints()
                .getFirst()
                .buffer())
        .isEqualTo(128);
    for (RunSpec shaped : List.of(penalty, off)) {
      assertThat(shaped.method()).isEqualTo(ConstraintMethod.FIXED_PENALTY);
      assertThat(shaped.advantage()).isEqualTo(AdvantageKind.GRPO);
      assertThat(shaped.objective())
          .isEqualTo(NamedObjective.of(ObjectiveKind.PPO_CLIP).withKl(0.1, KlEstimator.K3));
      assertThat(shaped.returnKlCoefficient()).isZero();
    }
    assertThat(penalty.constraints().getFirst().initialLambda()).isEqualTo(3);
    assertThat(off.constraints().getFirst().initialLambda()).isZero();
  }

  @Test
  void aMethodCanBeNamedWithTheConstraintOff() {
    RunSpec off = read(LEAST + "constraint: {enabled: false, method: HC_RLHF, target: 0.2}");

    assertThat(off.method()).isEqualTo(ConstraintMethod.HC_RLHF);
    assertThat(off.constrained()).isFalse();
    assertThat(off.constraints().getFirst().initialLambda()).isZero();
  }

  @Test
  void costsOfOlderPoliciesCountAsTheSpecSays() {
    assertThat(staleness("{kind: DROP, versions: 2}")).isEqualTo(new Staleness.Drop(2));
    assertThat(staleness("{kind: fade, half_life: 1.5}")).isEqualTo(new Staleness.Fade(1.5));
    assertThat(staleness("{kind: DROP}")).isEqualTo(new Staleness.Drop(0));
  }

  private static Staleness staleness(String said) {
    return read(LEAST + "constraint: {buffer: 1024, staleness: " + said + "}")
        .constraints()
        .getFirst()
        .staleness();
  }

  private static final String SEVERAL =
      """
      name: several
      prompts: {inline: [a]}
      safety_test: {delta: 0.1, prompts: {inline: [b, c, d, e, f, g]}}
      constraints:
        - {name: one, cost: {model: c, version: 1}, test: {threshold: 0.3, delta: 0.02}}
        - {name: two, cost: {model: d, version: 1}, test: {threshold: 0.2}}
        - {name: three, cost: {model: d, version: 1}, test: {threshold: 0.1}}
      """;

  @Test
  void severalConstraintsShareDelta() {
    List<ConstraintSpec> constraints = read(SEVERAL).constraints();

    assertThat(constraints).extracting(ConstraintSpec::name).containsExactly("one", "two", "three");
    assertThat(constraints)
        .extracting(each -> each.test().threshold())
        .containsExactly(0.3, 0.2, 0.1);
    assertThat(constraints).extracting(ConstraintSpec::target).containsExactly(0.3, 0.2, 0.1);
    // what is left of 0.1 after 0.02, by two
    assertThat(constraints)
        .extracting(each -> each.test().delta())
        .usingElementComparator((a, b) -> Math.abs(a - b) < 1e-12 ? 0 : 1)
        .containsExactly(0.02, 0.04, 0.04);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "'delta: 0.02' | 'delta: 0.03' | constraints: delta 0.03 of one, 0.1",
        "'delta: 0.02' | 'delta: 0.00005' | constraints: delta 5.0E-5 of one, 0.1",
        "'delta: 0.02' | 'delta: 0.1' | constraints: 0.1 of safety_test.delta 0.1 said (expected: less",
        "'threshold: 0.2}' | 'threshold: 0.2, delta: 0.08}' | constraints: 0.1 of safety_test.delta 0.1 said",
        "'delta: 0.1' | 'delta: 0.1, attempts: 2' | safety_test.attempts: 2 (expected: 1 where constraints say delta",
        "'name: two' | 'name: one' | constraints[1].name: one (expected: another than",
        "'name: two, ' | '' | constraints[1].name: absent (expected: a name",
        "'name: two' | 'name: two, method: PPO_LAGRANGIAN' | constraints[1].method: PPO_LAGRANGIAN (expected: that of the first",
        "'name: two' | 'name: two, enabled: false, method: HC_RLHF' | constraints[1].method: off (expected: that of the first",
        "{threshold: 0.2} | {} | constraints[1].test.threshold: absent (expected: the allowed mean harm",
        "'safety_test: {' | 'safety_test: {threshold: 0.3, ' | safety_test.threshold: beside constraints",
        "'safety_test: {' | 'safety_test: {reuse: SPLIT, looks: 2, ' | safety_test.reuse: SPLIT (expected: REFUSE with several",
        "'name: several' | 'name: several\nconstraint: {target: 0.1}' | constraints: beside constraint (expected: one of them)",
        "'model: c, version: 1' | 'model: java-cost, version: 2' | constraints.one.test.cost_model: java-cost/2 (expected: another than cost"
      })
  void aFlawAmongSeveralIsNamed(String from, String to, String message) {
    assertThatThrownBy(() -> read(SEVERAL.replace(from, to.replace("\\n", "\n"))))
        .hasMessageStartingWith(message);
  }

  @Test
  void whatIsOnlyMeasuredIsRead() {
    RunSpec spec =
        read(
            LEAST
                + """
                costs:
                  measured:
                    - {name: test, model: java-cost, version: 2, every: 5, completions: 64}
                    - {name: truth, model: mix, version: 1, component: java-parse}
                """);

    assertThat(spec.measured())
        .containsExactly(
            new MeasuredSpec(
                "test", new ModelRef("java-cost", "2"), new MeasuredSpec.Judge.CostModel(), 5, 64),
            new MeasuredSpec(
                "truth",
                new ModelRef("mix", "1"),
                new MeasuredSpec.Judge.Component("java-parse"),
                1,
                128));
    assertThat(spec.measured().getFirst().due(6)).isTrue();
    assertThat(spec.measured().getFirst().due(5)).isFalse();
  }

  @Test
  void whatStillCountsIsReadOfASpecThatNobodyWouldLearnFromToday() {
    String old = LEAST + "advantage: GRPO\npromotion: WAIT\nalias: beta";

    assertThatThrownBy(() -> read(old)).hasMessageStartingWith("advantage: GRPO");
    StandingSpec standing = new SpecParser().standing(old);
    assertThat(standing.promotion()).isEqualTo(PromotionMode.WAIT);
    assertThat(standing.alias()).isEqualTo("beta");
    assertThat(standing.watch().patience()).isEqualTo(3);
    RunSpec learned =
        new SpecParser()
            .learned(
                old
                    + "\nobjective: {kind: PPO_CLIP}\nkl: {estimator: K2}"
                    + "\nconstraint: {lambda_init: 0, penalty: 1}");
    assertThat(learned.constrained()).isTrue();
    assertThat(learned.alias()).isEqualTo("beta");
    assertThat(learned.safetyTest()).isEqualTo(read(LEAST).safetyTest());
    assertThat(learned.constraints().getFirst().test())
        .isEqualTo(read(LEAST).constraints().getFirst().test());
  }

  @Test
  void theExampleOfTheDocumentIsRead() throws IOException {
    String document = Files.readString(Path.of("../docs/run-spec.md"));
    Matcher example = Pattern.compile("```yaml\n(.*?)```", Pattern.DOTALL).matcher(document);
    assertThat(example.find()).isTrue();

    RunSpec spec = read(example.group(1));

    assertThat(spec.name()).isEqualTo("constrained");
    assertThat(spec.seed()).isEqualTo(7);
    assertThat(spec.learningRate()).isEqualTo(1.5e-4);
    assertThat(spec.constraints().getFirst().target()).isEqualTo(0.2);
    assertThat(spec.safetyTest().prompts())
        .isEqualTo(new PromptSource.InFile("prompts/held-out.jsonl"));
  }

  @Test
  void jsonSaysTheSameAsYaml() {
    assertThat(
            read(
                """
                {"name": "least", "prompts": {"inline": ["a"]},
                \t"safety_test": {"threshold": 0.3, "prompts": {"inline": ["b", "c"]}}}
                """))
        .isEqualTo(read(LEAST));
  }

  @Test
  void aNumberWithoutADotIsANumber() {
    assertThat(read(LEAST + "learning_rate: 1e-5").learningRate()).isEqualTo(1e-5);
  }

  @Test
  void theWatchIsReadWithItsGold() {
    String watch =
        LEAST
            + """
            watch:
              max_spread_growth: 2
              max_gap: 1
              patience: 4
              action: refuse_promotion
              gold: {model: judge, version: 3, aggregation: MEDIAN, every: 5, completions: 16}
            """;

    assertThat(read(watch).watch())
        .isEqualTo(
            new WatchSpec(
                new SpreadLimit(2, true),
                1,
                4,
                WatchAction.REFUSE_PROMOTION,
                new GoldSpec(
                    new RewardSpec(new ModelRef("judge", "3"), AggregationMethod.MEDIAN, 0.5, 0.25),
                    5,
                    16)));
    assertThat(read(LEAST + "watch: {gold: {model: judge, version: 3}}").watch().gold())
        .isEqualTo(
            new GoldSpec(
                new RewardSpec(new ModelRef("judge", "3"), AggregationMethod.MEAN, 0.5, 0.25),
                1,
                128));
  }

  @Test
  void onlyFeedbackOfTheRunsOwnTenantCanBeNamed() {
    String feedback = LEAST.replace("{inline: [a]}", "{feedback: {max: 5}}");

    assertThat(read(feedback).prompts()).isEqualTo(new PromptSource.Feedback(5));
    assertThat(read(feedback.replace("{max: 5}", "{}")).prompts())
        .isEqualTo(new PromptSource.Feedback(10_000));
    assertThatThrownBy(() -> read(feedback.replace("max: 5", "tenant: other")))
        .hasMessageStartingWith("prompts.feedback.tenant: unknown key");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "rollout: {temperatur: 1} | rollout.temperatur: unknown key (did you mean 'temperature'?",
        "itterations: 3 | itterations: unknown key (did you mean 'iterations'?",
        "iterations: 0 | iterations: 0 (expected: a whole number, 1 to 100,000)",
        "iterations: 1.5 | iterations: 1.5 (expected: a whole number, 1 to 100,000)",
        "iterations: [1] | iterations: a list (expected: a whole number, 1 to 100,000)",
        "seed: x | seed: x (expected: a whole number of 64 bits)",
        "learning_rate: 0 | learning_rate: 0 (expected: > 0, at most 1)",
        "learning_rate: .nan | learning_rate: NaN (expected: > 0, at most 1)",
        "policy: {version: 1, alias: serving} | policy.alias: beside a version",
        "policy: {model: ../up} | policy.model: '../up' (expected: 1 to 128 of [A-Za-z0-9._-]",
        "rollout: 3 | rollout: 3 (expected: an object with keys)",
        "rollout: {completions_per_prompt: 1} | rollout.completions_per_prompt: 1 (expected: a whole number, 2 to 64)",
        "rollout: {min_group: 9} | rollout.min_group: 9 (expected: a whole number, 2 to 8)",
        "rollout: {group_strategy: NONE} | rollout.group_strategy: NONE (expected: one of MIN_VIABLE_GROUP, FAIL_FAST)",
        "rollout: {group_strategy: FAIL_FAST, min_group: 2} | rollout.min_group: beside FAIL_FAST",
        "'constraint: {method: PPO_LAGRANGIAN}\nrollout: {temperature: 0.5}' | rollout.temperature: 0.5 (expected: 1 with PPO_CLIP",
        "rollout: {stop_strings: ['']} | rollout.stop_strings: 1 texts (expected: at most 16, none empty)",
        "reward: {aggregation: BEST} | reward.aggregation: BEST (expected: one of MEAN, WORST_CASE, UNCERTAINTY_WEIGHTED, MEDIAN, LOWER_QUANTILE, UNCERTAINTY_WEIGHTED_SAMPLE, NONE)",
        "reward: {uwo_lambda: 1} | reward.uwo_lambda: beside WORST_CASE",
        "reward: {aggregation: NONE, quantile: 0.1} | reward.quantile: beside NONE",
        "reward: {aggregation: MEAN, quantile: 0.1} | reward.quantile: beside MEAN",
        "reward: {aggregation: LOWER_QUANTILE, quantile: 0.6} | reward.quantile: 0.6 (expected: above 0, at most 0.5)",
        "watch: {max_spread_growth: 0.5} | watch.max_spread_growth: 0.5 (expected: ≥ 1)",
        "watch: {patience: 0} | watch.patience: 0 (expected: a whole number, 1 to 1,000)",
        "watch: {action: PAGE} | watch.action: PAGE (expected: one of RECORD, STOP, REFUSE_PROMOTION)",
        "watch: {max_gap: 1} | watch.max_gap: without gold (expected: none: the gap is between the reward and gold)",
        "watch: {max_gap: -1, gold: {model: a, version: 1}} | watch.max_gap: -1 (expected: ≥ 0)",
        "watch: {gold: {version: 1}} | watch.gold.model: absent (expected: the name of an ensemble or composite that Score answers for)",
        "watch: {gold: {model: a}} | watch.gold.version: absent (expected: a version of it)",
        "watch: {gold: {model: a, version: 1, every: 0}} | watch.gold.every: 0 (expected: a whole number, 1 to 100,000)",
        "watch: {gold: {model: a, version: 1, completions: 1}} | watch.gold.completions: 1 (expected: a whole number, 2 to 65,536)",
        "watch: {gold: {model: a, version: 1, uwo_lambda: 1}} | watch.gold.uwo_lambda: beside MEAN",
        "watch: {gold: {model: java-reward, version: 1}} | watch.gold: java-reward/1 (expected: another than reward: what is trained on is no measure of itself)",
        "advantage: GAE | advantage: GAE (expected: one of GRPO, RLOO, CENTRED)",
        "objective: {kind: DPO} | objective.kind: DPO (expected: one of PPO_CLIP, POLICY_GRADIENT, GSPO)",
        "objective: {kind: POLICY_GRADIENT, clip_low: 0.1} | objective.clip_low: beside POLICY_GRADIENT",
        "objective: {kind: POLICY_GRADIENT, updates_per_iteration: 2} | objective.updates_per_iteration: 2 (expected: 1 with POLICY_GRADIENT",
        "'constraint: {enabled: false}\nobjective: {clip_low: 1}' | objective.clip_low: 1 (expected: > 0, < 1)",
        "'constraint: {enabled: false}\nkl: {estimator: K1}' | kl.estimator: K1 (expected: one of K3, K2)",
        "kl: {stop_at: 0} | kl.stop_at: 0 (expected: > 0)",
        "constraint: {enabled: 1} | constraint.enabled: 1 (expected: true or false)",
        "constraint: {target: 2} | constraint.target: 2 (expected: 0 to 1)",
        "constraint: {lambda_init: 3, lambda_max: 2} | constraint.lambda_init: 3.0 (expected: 0.01 to 2.0",
        "constraint: {multiplier: LINEAR, lambda_min: 1} | constraint.lambda_min: beside LINEAR",
        "constraint: {method: LAGRANGE} | constraint.method: LAGRANGE (expected: one of HC_RLHF, PPO_LAGRANGIAN, FIXED_PENALTY)",
        "constraint: {penalty: 1} | constraint.penalty: beside HC_RLHF (expected: none: its price moves)",
        "constraint: {method: FIXED_PENALTY, target: 0.1} | constraint.target: beside FIXED_PENALTY (expected: none: its price, penalty, does not move)",
        "constraint: {method: PPO_LAGRANGIAN, c1: 1} | constraint.c1: beside PPO_LAGRANGIAN (expected: none: only HC_RLHF has a pessimistic bound)",
        "constraint: {staleness: {versions: 2}} | constraint.staleness.versions: beside KEEP (expected: none: only DROP reads it)",
        "constraint: {staleness: {kind: DROP, half_life: 2}} | constraint.staleness.half_life: beside DROP (expected: none: only FADE reads it)",
        "constraint: {staleness: {kind: FADE, half_life: 0}} | constraint.staleness.half_life: 0 (expected: > 0)",
        "advantage: GRPO | advantage: GRPO (expected: RLOO or CENTRED with constraint.method HC_RLHF: dividing by each group's standard deviation",
        "'constraint: {method: PPO_LAGRANGIAN}\nadvantage: GRPO' | advantage: GRPO (expected: RLOO or CENTRED with constraint.method PPO_LAGRANGIAN",
        "objective: {kind: PPO_CLIP} | objective.kind: PPO_CLIP (expected: POLICY_GRADIENT with constraint.method HC_RLHF",
        "objective: {aggregation: TOKEN_MEAN} | objective.aggregation: TOKEN_MEAN (expected: SEQUENCE_MEAN_TOKEN_SUM with constraint.method HC_RLHF: a mean over tokens",
        "objective: {aggregation: SEQUENCE_MEAN_TOKEN_MEAN} | objective.aggregation: SEQUENCE_MEAN_TOKEN_MEAN (expected: SEQUENCE_MEAN_TOKEN_SUM",
        "rollout: {temperature: 1.5} | rollout.temperature: 1.5 (expected: 1 with constraint.method HC_RLHF: the KL in the return",
        "'constraint: {method: PPO_LAGRANGIAN}\nobjective: {kind: POLICY_GRADIENT}\nrollout: {temperature: 0.5}' | rollout.temperature: 0.5 (expected: 1 with constraint.method PPO_LAGRANGIAN",
        "constraint: {staleness: {kind: FADE}} | constraint.staleness.kind: FADE (expected: KEEP with a buffer of 256: one iteration has prompts_per_iteration · completions_per_prompt, 256 costs",
        "'constraint: {method: PPO_LAGRANGIAN, buffer: 128, staleness: {kind: DROP}}' | constraint.staleness.kind: DROP (expected: KEEP with a buffer of 128",
        "constraints: [] | constraints: 0 objects (expected: a list of 1 to 8 objects)",
        "costs: {measured: [{name: a, model: java-cost, version: 1}]} | costs.measured[0]: java-cost/1 (expected: another than reward and cost: what is trained on",
        "'reward: {model: mix, version: 1, aggregation: NONE}\ncosts: {measured: [{name: a, model: mix, version: 1, component: parses}]}' | costs.measured[0]: mix/1 (expected: another than reward and cost",
        "kl: {estimator: K3} | kl.estimator: beside constraint.method HC_RLHF (expected: none: the KL is in the return",
        "cost: {version: 2} | safety_test.cost_model: java-cost/2 (expected: another than cost, java-cost/2",
        "costs: {measured: {name: a}} | costs.measured: an object (expected: a list of at most 8 objects)",
        "costs: {measured: [a]} | costs.measured[0]: a (expected: an object with keys)",
        "costs: {measured: [{model: a, version: 1}]} | costs.measured[0].name: absent (expected: what it is called in iterations)",
        "costs: {measured: [{name: a, version: 1}]} | costs.measured[0].model: absent (expected: a cost model, or a composite",
        "costs: {measured: [{name: a, model: b, version: 1, evry: 2}]} | costs.measured[0].evry: unknown key (did you mean 'every'?",
        "costs: {measured: [{name: a, model: b, version: 1}, {name: a, model: c, version: 1}]} | costs.measured[1].name: a (expected: another than",
        "promotion: MAYBE | promotion: MAYBE (expected: one of AUTOMATIC, WAIT, NEVER)",
        "name: twice | spec: no YAML: found duplicate key name",
        "'a: [' | spec: no YAML"
      })
  void aFlawIsNamedByItsPath(String more, String message) {
    assertThatThrownBy(() -> read(LEAST + more))
        .isInstanceOf(MeshException.class)
        .hasMessageStartingWith(message)
        .extracting(thrown -> ((MeshException) thrown).fault())
        .isEqualTo(Fault.MALFORMED_REQUEST);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "name: least | name: 'a b' | name: 'a b' (expected: 1 to 128 of [A-Za-z0-9._-]",
        "name: least | name: -a | name: '-a' (expected: a name, 1 to 64",
        "name: least | seed: 1 | name: absent (expected: a name",
        "threshold: 0.3, | '' | safety_test.threshold: absent (expected: the allowed mean harm",
        "threshold: 0.3 | threshold: 1.1 | safety_test.threshold: 1.1 (expected: the allowed mean",
        "threshold: 0.3 | 'threshold: 0.3, bound: WALD' | safety_test.bound: WALD (expected: one of STUDENT_T",
        "threshold: 0.3 | 'threshold: 0.3, bound: CLOPPER_PEARSON' | constraint.target: absent (expected: the allowed mean harm probability: under",
        "threshold: 0.3 | 'threshold: 0.3, looks: 3' | safety_test.looks: beside REFUSE (expected: none: only SPLIT has several looks)",
        "threshold: 0.3 | 'threshold: 0.3, reuse: SPLIT' | safety_test.looks: absent (expected: how many looks share delta",
        "threshold: 0.3 | 'threshold: 0.3, reuse: SPLIT, looks: 1' | safety_test.looks: 1 (expected: a whole number, 2 to 1,000)",
        "threshold: 0.3 | 'threshold: 0.3, reuse: SPLIT, looks: 2, draw_count: 2' | safety_test.draw_count: beside SPLIT",
        "threshold: 0.3 | 'threshold: 0.3, reuse: SPLIT, looks: 2, attempts: 2' | safety_test.attempts: beside SPLIT",
        "threshold: 0.3 | 'threshold: 0.3, attempts: 11' | safety_test.attempts: 11 (expected: a whole number, 1 to 10)",
        "threshold: 0.3 | 'threshold: 0.3, draw_count: 1' | safety_test.draw_count: 1 (expected: a whole number, 2 to 10,000)",
        "threshold: 0.3 | 'threshold: 0.3, delta: 1' | safety_test.delta: 1 (expected: > 0, < 1)",
        "'prompts: {inline: [a]}' | seed: 1 | prompts: no source (expected: exactly one of inline, file, feedback)",
        "'{inline: [a]}' | '{inline: [a], file: f}' | prompts: inline and file (expected: exactly one of",
        "'{inline: [a]}' | '{inline: [1]}' | prompts.inline[0]: 1 (expected: text; put it in quotes)",
        "'{inline: [b, c]}' | '{feedback: {}}' | safety_test.prompts.feedback: unknown key"
      })
  void whatMustBeThereIsNamed(String from, String to, String message) {
    assertThatThrownBy(() -> read(LEAST.replace(from, to == null ? "" : to)))
        .isInstanceOf(MeshException.class)
        .hasMessageStartingWith(message);
  }

  /** Of what YAML and JSON can say beyond keys and values, nothing is done, and soon. */
  @Test
  @Timeout(20)
  void whatOnlyLooksLikeASpecIsRefusedAtOnce() {
    StringBuilder bomb = new StringBuilder("a0: &a0 [x, x]\n");
    for (int i = 1; i < 40; i++) {
      bomb.append("a%d: &a%d [*a%d, *a%d]\n".formatted(i, i, i - 1, i - 1));
    }
    refused(bomb.toString(), "spec: no YAML: Number of aliases");
    StringBuilder small = new StringBuilder(LEAST + "seed: [&a0 [x, x]");
    for (int i = 1; i < 10; i++) {
      small.append(", &a%d [*a%d]".formatted(i, i - 1));
    }
    refused(small + "]", "seed: a list (expected: a whole number of 64 bits)");
    refused(LEAST + "seed: &s [*s]", "seed: a list (expected: a whole number of 64 bits)");
    refused(LEAST + "? [a, b]\n: 1", "a list: unknown key");
    refused(
        LEAST + "seed: !!java.net.URL [\"http://127.0.0.1\"]",
        "spec: no YAML: Global tag is not allowed");
    refused(LEAST + "---\nname: second", "spec: no YAML: ");
    refused("x: " + "[".repeat(100_000), "spec: no YAML: Nesting Depth exceeded max");
    refused("{\"x\": " + "[".repeat(100_000), "spec: no JSON: Document nesting depth");
    refused("{\"seed\": " + "9".repeat(100_000) + "}", "spec: no JSON: Number value length");
    refused("{\"seed\": 1, \"seed\": 2}", "spec: no JSON: Duplicate field 'seed'");
    refused("{} {}", "spec: no JSON: Trailing token");
    refused("{\"seed\": NaN}", "spec: no JSON: Non-standard token 'NaN'");
    refused("[]", "spec: a list (expected: an object with keys)");
    refused("just words", "spec: just words (expected: an object with keys)");
    refused(LEAST + "seed: 9223372036854775808", "seed: 9223372036854775808 (expected: a whole");
    refused(LEAST + "policy: {model: -x}", "policy.model: '-x' (expected: 1 to 128 of");
    refused(LEAST + "policy: {version: \"1\\n2\"}", "policy.version: '1\n2' (expected: 1 to 128");
  }

  private static void refused(String spec, String message) {
    assertThatThrownBy(() -> read(spec))
        .as(spec.substring(0, Math.min(200, spec.length())))
        .isInstanceOfSatisfying(
            MeshException.class,
            thrown -> assertThat(thrown.fault()).isEqualTo(Fault.MALFORMED_REQUEST))
        .hasMessageStartingWith(message);
  }

  @Test
  void theCostModelMayBeTheTestsWhereNothingIsOptimisedAgainstIt() {
    RunSpec spec = read(LEAST + "cost: {version: 2}\nconstraint: {enabled: false}");

    assertThat(spec.cost()).isEqualTo(spec.safetyTest().costModel());
  }

  @Test
  void whatIsNoObjectIsRefused() {
    for (String spec : List.of("3", "[a]", "# nothing", "{\"name\": 1")) {
      assertThatThrownBy(() -> read(spec))
          .isInstanceOf(MeshException.class)
          .hasMessageStartingWith("spec: ");
    }
  }
}
