package io.ballast.orchestrator.core.spec;

import static io.ballast.orchestrator.core.spec.LeastSpec.LEAST;
import static io.ballast.orchestrator.core.spec.LeastSpec.read;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.orchestrator.adapter.SpecParser;
import io.ballast.orchestrator.core.VersionSelector;
import io.ballast.orchestrator.core.learner.LearningRateSchedule;
import io.ballast.orchestrator.core.rollout.GroupStrategy;
import io.ballast.orchestrator.core.spec.ConstraintSpec.MultiplierKind;
import io.ballast.rl.aggregation.AggregationMethod;
import io.ballast.rl.algorithm.AdvantageKind;
import io.ballast.rl.algorithm.LossSpec;
import io.ballast.rl.algorithm.ObjectiveKind;
import io.ballast.rl.algorithm.Recipe;
import io.ballast.rl.bound.BoundMethod;
import io.ballast.rl.constraint.Staleness;
import io.ballast.rl.objective.Aggregation;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

/** A spec is read completely: what it does not say has a default. */
class RunSpecTest {
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
}
