package io.ballast.orchestrator.core.spec;

import static io.ballast.orchestrator.core.spec.LeastSpec.LEAST;
import static io.ballast.orchestrator.core.spec.LeastSpec.read;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.orchestrator.adapter.SpecParser;
import io.ballast.orchestrator.core.VersionSelector;
import io.ballast.orchestrator.core.learner.AdapterSettings;
import io.ballast.orchestrator.core.learner.AdapterSettings.Projection;
import io.ballast.orchestrator.core.learner.CriticSettings;
import io.ballast.orchestrator.core.learner.LearningRateSchedule;
import io.ballast.orchestrator.core.learner.OptimizerSettings;
import io.ballast.orchestrator.core.learner.TraineeOptions;
import io.ballast.orchestrator.core.rollout.GroupStrategy;
import io.ballast.orchestrator.core.spec.ConstraintSpec.MultiplierKind;
import io.ballast.rl.aggregation.AggregationMethod;
import io.ballast.rl.algorithm.AdvantageKind;
import io.ballast.rl.algorithm.Algorithm;
import io.ballast.rl.algorithm.KlTarget;
import io.ballast.rl.algorithm.Knob;
import io.ballast.rl.algorithm.LossSpec;
import io.ballast.rl.algorithm.ObjectiveKind;
import io.ballast.rl.algorithm.Recipe;
import io.ballast.rl.algorithm.RewardKl;
import io.ballast.rl.bound.BoundMethod;
import io.ballast.rl.constraint.Staleness;
import io.ballast.rl.objective.Aggregation;
import io.ballast.rl.regulariser.KlEstimator;
import java.time.Duration;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** A spec is read completely: what it does not say has a default. */
class RunSpecTest {
  @Test
  void samplingAheadAsksForACorrectionAndForCostsThatCount() {
    String ahead = LEAST + "\nrollout: {staleness: 2}\n";
    assertThatThrownBy(() -> read(ahead))
        .hasMessage(
            "rollout.staleness: 2 (expected: 0 with objective.importance_cap 0; above 0, 2 for"
                + " one, it corrects for what older weights sampled)");
    String corrected = ahead + "objective: {importance_cap: 2}\n";
    assertThat(read(corrected).rollout().staleness()).isEqualTo(2);
    assertThatThrownBy(
            () ->
                read(
                    corrected
                        + "constraint: {buffer: 5000, staleness: {kind: DROP, versions: 1}}\n"))
        .hasMessage(
            "constraint.staleness.versions: 1 (expected: at least rollout.staleness, 2, or no cost"
                + " ever counts)");
    assertThatThrownBy(() -> read(corrected + "watch: {action: STOP}\n"))
        .hasMessageStartingWith("rollout.staleness: 2 (expected: 0 with watch.action STOP: ");
    assertThatThrownBy(() -> read(LEAST + "\nrollout: {staleness: 9}\n"))
        .hasMessageContaining("rollout.staleness: 9 (expected: a whole number, 0 to 8)");
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
                    32, 8, 1, 12, 64, List.of("\n"), 0, new GroupStrategy.MinViableGroup(4)),
                List.of(
                    DataSource.only(new PromptSource.Inline(GroupedPrompts.alone(List.of("a"))))),
                new RewardSpec(
                    new ModelRef("java-reward", "1"), AggregationMethod.WORST_CASE, 0.5, 0.25),
                new ModelRef("java-cost", "1"),
                Recipe.of(
                    AdvantageKind.RLOO,
                    LossSpec.of(ObjectiveKind.POLICY_GRADIENT)
                        .withAggregation(Aggregation.sequenceMeanTokenSum())),
                0.1,
                1,
                1,
                new LearningRateSchedule(LearningRateSchedule.Kind.CONSTANT, 1.5e-4, 0, 20, 0.1),
                TraineeSpec.weights(1.5e-4),
                null,
                null,
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
                BudgetSpec.NONE,
                new StopSpec(0.3, false, new SpreadLimit(3, false)),
                new WatchSpec(new SpreadLimit(1.7, false), 0.5, 3, WatchAction.RECORD, null),
                null,
                new SafetyTestSpec(
                    new ModelRef("java-cost", "2"),
                    false,
                    0.3,
                    0.1,
                    BoundMethod.STUDENT_T,
                    ReuseKind.REFUSE,
                    1,
                    1,
                    0,
                    new PromptSource.Inline(GroupedPrompts.alone(List.of("b", "c"))),
                    1,
                    24,
                    96,
                    List.of("\n")),
                PromotionMode.AUTOMATIC,
                "serving"));
  }

  @Test
  void optimizerAdaptersAndAverageAreWhatTheSpecSays() {
    RunSpec some =
        read(
            LEAST
                + """
                seed: 11
                learning_rate: 0.01
                optimizer: {beta1: 0.8, beta2: 0.99, epsilon: 1.0e-6, weight_decay: 0.1, max_gradient_norm: 0.5}
                adapters: {rank: 8, alpha: 16, projections: [Q_PROJ, v_proj]}
                average: {decay: 0.9}
                """);
    assertThat(some.trainee())
        .isEqualTo(
            new TraineeSpec(
                new OptimizerSettings(0.01, 0.8, 0.99, 1e-6, 0.1, 0.5),
                new AdapterSettings(8, 16, Set.of(Projection.Q_PROJ, Projection.V_PROJ), 11),
                0.9));
    assertThat(some.traineeOptions().adapters()).contains(some.trainee().adapters());
    assertThat(some.traineeOptions().averageDecay()).hasValue(0.9);
    assertThat(some.traineeOptions().optimizer()).isEqualTo(some.trainee().optimizer());
    assertThat(read(LEAST + "adapters: {rank: 4}").trainee())
        .as("all projections, scaled by 1")
        .isEqualTo(
            new TraineeSpec(
                OptimizerSettings.ofRate(1.5e-4),
                new AdapterSettings(4, 4, EnumSet.allOf(Projection.class), 0),
                null));
    TraineeOptions plain = read(LEAST).traineeOptions();
    assertThat(plain).isEqualTo(TraineeOptions.of(OptimizerSettings.ofRate(1.5e-4)));
    assertThat(new SpecParser().learned(LEAST + "adapters: {rank: 4}").trainee())
        .as("a run that has learned trains nothing")
        .isEqualTo(TraineeSpec.weights(1.5e-4));
  }

  @Test
  void anAlgorithmIsAPublishedRecipeThatCanBeChangedBesideItsName() {
    RunSpec dapo = read(LEAST + "algorithm: DAPO\nobjective: {clip_high: 0.3}");
    RunSpec ppo =
        read(
            LEAST
                + """
                algorithm: PPO
                advantage: {kind: GAE, trace_decay: 0.9}
                shaping: [HISTORY]
                kl: {coefficient: 0.2}
                objective: {updates_per_iteration: 2, aggregation: CONSTANT_DIVISOR}
                learning_rate: 1e-3
                schedule: {kind: LINEAR, warmup_updates: 10, final_fraction: 0.5}
                """);

    assertThat(dapo.method()).isEqualTo(ConstraintMethod.FIXED_PENALTY);
    assertThat(dapo.recipe())
        .isEqualTo(Algorithm.DAPO.recipe(12).withLoss(loss -> loss.with(Knob.CLIP_HIGH, 0.3)));
    assertThat(
            read(LEAST + "algorithm: DAPO\nobjective: {clip_low: 0.1}")
                .recipe()
                .loss()
                .knobs()
                .get(Knob.CLIP_HIGH))
        .as("it clips higher still")
        .isEqualTo(0.28);
    assertThat(read(LEAST + "algorithm: DAPO\nselector: {max_rounds: 3}").recipe().maxRounds())
        .isEqualTo(3);
    assertThat(read(LEAST + "algorithm: DAPO\nselector: ALL").recipe().maxRounds()).isEqualTo(1);
    assertThat(
            read(LEAST + "algorithm: GRPO\nselector: {kind: DYNAMIC_SAMPLING, max_rounds: 4}")
                .mostCompletions())
        .as("4 rounds of 32 prompts, 8 completions each")
        .isEqualTo(1_024);
    assertThat(ppo.recipe().rewardKl().coefficient()).isEqualTo(0.2);
    assertThat(ppo.recipe().knobs().get(Knob.TRACE_DECAY)).isEqualTo(0.9);
    assertThat(ppo.recipe().knobs().get(Knob.REWARD_CLIP)).isEqualTo(0.8);
    assertThat(ppo.recipe().loss().aggregation()).isEqualTo(Aggregation.constantDivisor(12));
    assertThat(ppo.learningRate().rate(5)).isEqualTo(5e-4);
    assertThat(ppo.learningRate().rate(40)).as("the last of 20 · 2").isEqualTo(5e-4);
    assertThat(read(LEAST + "algorithm: RLOO\nconstraint: {method: HC_RLHF}").returnKlCoefficient())
        .as("the KL is in the return of the constraint's method")
        .isEqualTo(0.03);
  }

  @Test
  void aCriticMayBeginAsARewardModel() {
    RunSpec least = read(LEAST + "algorithm: PPO\ncritic: {model: judge, version: 2}");
    RunSpec all =
        read(
            LEAST
                + "algorithm: PPO_MAX\nlearning_rate: 1e-3\n"
                + "critic: {model: judge, version: 2, label: 1, learning_rate: 3e-3}");

    assertThat(least.critic()).isEqualTo(new CriticSettings("judge", "2", 0, 1));
    assertThat(least.traineeOptions().critic()).as("none on the policy's trunk").isFalse();
    assertThat(least.traineeOptions().ownCritic()).contains(new CriticSettings("judge", "2", 0, 1));
    assertThat(all.critic()).isEqualTo(new CriticSettings("judge", "2", 1, 3e-3 / 1e-3));
    assertThat(read(LEAST + "algorithm: PPO").traineeOptions().critic()).isTrue();
    assertThat(new SpecParser().learned(LEAST + "critic: {model: a}").critic()).isNull();
  }

  @Test
  void textsStandBesideTheLoss() {
    PtxSpec least = read(LEAST + "ptx: {file: texts.jsonl, coefficient: 27.8}").ptx();
    PtxSpec all =
        read(LEAST
                + """
                    ptx:
                      file: texts.parquet
                      column: body
                      max_bad_rows: 7
                      coefficient: 0
                      texts_per_update: 32
                      max_tokens: 2
                    """)
            .ptx();

    assertThat(least)
        .isEqualTo(new PtxSpec(new PromptSource.InFile("texts.jsonl", "text"), 0, 27.8, 8, 128));
    assertThat(all)
        .isEqualTo(new PtxSpec(new PromptSource.InFile("texts.parquet", "body"), 7, 0, 32, 2));
    assertThat(new SpecParser().learned(LEAST + "ptx: {file: 1, coefficient: x}").ptx())
        .as("a run that has learned reads none")
        .isNull();
  }

  @Test
  void ppoMaxBeginsWithItsCriticAloneAndTheScheduleIsOfWhatFollows() {
    RunSpec most = read(LEAST + "algorithm: PPO_MAX\nobjective: {updates_per_iteration: 2}");

    assertThat(most.recipe().criticWarmup()).isEqualTo(5);
    assertThat(most.learningRate().totalUpdates()).as("2 · (20 − 5)").isEqualTo(30);
    assertThat(read(LEAST + "algorithm: PPO").recipe().criticWarmup()).isZero();
    assertThat(
            read(LEAST + "algorithm: PPO\nadvantage: {critic_warmup: 3}").recipe().criticWarmup())
        .isEqualTo(3);
  }

  @Test
  void minibatchesAreAnUpdateEachInEveryPass() {
    RunSpec once = read(LEAST + "algorithm: PPO\nobjective: {minibatches: 4}");
    RunSpec twice =
        read(LEAST + "algorithm: PPO\nobjective: {minibatches: 4, updates_per_iteration: 8}");

    assertThat(once.minibatches()).isEqualTo(4);
    assertThat(once.updatesPerIteration()).as("one pass").isEqualTo(4);
    assertThat(once.learningRate().totalUpdates()).as("of 20 iterations").isEqualTo(80);
    assertThat(twice.updatesPerIteration()).as("two passes").isEqualTo(8);
  }

  @Test
  void theKlMayBeEstimatedOtherwiseAndMovedToATarget() {
    assertThat(read(LEAST + "algorithm: RLOO\nkl: {estimator: K2, target: 4}").recipe())
        .isEqualTo(
            Algorithm.RLOO
                .recipe(12)
                .withRewardKl(new RewardKl(0.03, KlEstimator.K2))
                .withKlTarget(new KlTarget(4, 10_000)));
    assertThat(
            read(LEAST + "algorithm: GRPO\nkl: {coefficient: 0.2, target: 4, horizon: 500}")
                .recipe())
        .isEqualTo(
            Algorithm.GRPO
                .recipe(12)
                .withLoss(loss -> loss.withKl(0.2, KlEstimator.K3))
                .withKlTarget(new KlTarget(4, 500)));
  }

  @Test
  void whereTheReferenceWritesHalfThePolicysHalfIsTheGroup() {
    RunSpec xpo =
        read(
            LEAST
                + """
                algorithm: XPO
                rollout: {completions_per_prompt: 5}
                """);

    assertThat(xpo.policyCompletions()).isEqualTo(3);
    assertThat(xpo.rollout().groups()).isEqualTo(new GroupStrategy.MinViableGroup(3));
    assertThat(
            read(LEAST + "algorithm: XPO\nrollout: {completions_per_prompt: 2}").rollout().groups())
        .isEqualTo(new GroupStrategy.MinViableGroup(1));
    assertThat(read(LEAST + "algorithm: GRPO").policyCompletions()).isEqualTo(8);
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
    assertThat(read(LEAST + "learning_rate: 1e-5").learningRate().peak()).isEqualTo(1e-5);
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
  void aBudgetIsReadWithItsPrice() {
    assertThat(
            read(LEAST
                    + "budget: {tokens: 3000000000, time: PT90M, money: 5, price: {per_hour: 2}}")
                .budget())
        .isEqualTo(new BudgetSpec(3_000_000_000L, Duration.ofMinutes(90), 5.0, 2.0));
  }

  @Test
  void anEvaluationIsReadWithWhatFollowsFromIt() {
    String least = LEAST + "evaluation: {prompts: {file: others.jsonl}}\n";
    PromptSource file = new PromptSource.InFile("others.jsonl", "prompt");

    assertThat(read(least).evaluation())
        .isEqualTo(new EvaluationSpec(file, 5, 4, 0.95, null, CandidateChoice.LAST));
    assertThat(read(least + "early_stop: {}\ncandidate: best").evaluation())
        .isEqualTo(
            new EvaluationSpec(file, 5, 4, 0.95, new EarlyStopSpec(3, 0), CandidateChoice.BEST));
    assertThat(
            read(LEAST
                    + """
                        evaluation: {prompts: {inline: [d, e], groups: [F, G]}, every: 2, completions: 8, confidence: 0.9}
                        early_stop: {patience: 1, min_improvement: 0.5}
                        """)
                .evaluation())
        .isEqualTo(
            new EvaluationSpec(
                new PromptSource.Inline(new GroupedPrompts(List.of("d", "e"), List.of("F", "G"))),
                2,
                8,
                0.9,
                new EarlyStopSpec(1, 0.5),
                CandidateChoice.LAST));
  }

  @Test
  void onlyFeedbackOfTheRunsOwnTenantCanBeNamed() {
    String feedback = LEAST.replace("{inline: [a]}", "{feedback: {max: 5}}");

    assertThat(read(feedback).prompts())
        .containsExactly(new DataSource(new PromptSource.Feedback(5), 1, Long.MAX_VALUE));
    assertThat(read(feedback.replace("{max: 5}", "{}")).prompts())
        .extracting(DataSource::rows)
        .containsExactly(new PromptSource.Feedback(10_000));
    assertThatThrownBy(() -> read(feedback.replace("max: 5", "tenant: other")))
        .hasMessageStartingWith("prompts.feedback.tenant: unknown key");
  }

  @Test
  void promptsComeFromSeveralSourcesByTheirWeights() {
    String several =
        LEAST.replace(
            "{inline: [a]}",
            "[{file: a.parquet, column: text, weight: 3, max_bad_rows: 10}, {inline: [a]}, {feedback: {}, weight: 0.5, max_bad_rows: 2}]");

    RunSpec spec = read(several);

    assertThat(spec.prompts())
        .containsExactly(
            new DataSource(new PromptSource.InFile("a.parquet", "text"), 3, 10),
            DataSource.only(new PromptSource.Inline(GroupedPrompts.alone(List.of("a")))),
            new DataSource(new PromptSource.Feedback(10_000), 0.5, 2));
    assertThat(spec.promptsKey(1)).isEqualTo("prompts[1]");
    assertThat(read(LEAST).promptsKey(0)).isEqualTo("prompts");
  }
}
