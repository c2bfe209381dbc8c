package io.ballast.standalone.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.orchestrator.v1.Evaluation;
import io.ballast.orchestrator.v1.GoldFailure;
import io.ballast.orchestrator.v1.IterationMetrics;
import io.ballast.orchestrator.v1.LearningMetrics;
import io.ballast.orchestrator.v1.NextTest;
import io.ballast.orchestrator.v1.Run;
import io.ballast.orchestrator.v1.RunAlarm;
import io.ballast.orchestrator.v1.RunAlarmKind;
import io.ballast.orchestrator.v1.RunSpent;
import io.ballast.orchestrator.v1.RunState;
import io.ballast.orchestrator.v1.SamplingRounds;
import io.ballast.orchestrator.v1.UpdateOutcome;
import io.ballast.orchestrator.v1.WatchAction;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What a run shows is true of that run. */
class RunTableTest {
  @Test
  void anAlarmIsToldForEachConstraint() {
    IterationMetrics fifth = IterationMetrics.newBuilder().addAlarms(atCap("breaks")).build();
    IterationMetrics sixth = fifth.toBuilder().addAlarms(atCap("secrets")).build();

    assertThat(RunTable.remarks(sixth, fifth))
        .containsExactly(
            "      alarm: secrets: λ at its cap, cost 0.400 over 0.100 in iteration 6: recorded");
    assertThat(RunTable.remarks(sixth, sixth)).isEmpty();
  }

  private static RunAlarm atCap(String constraint) {
    return RunAlarm.newBuilder()
        .setKind(RunAlarmKind.RUN_ALARM_KIND_LAMBDA_AT_CAP)
        .setConstraint(constraint)
        .setObserved(0.4)
        .setLimit(0.1)
        .setIteration(6)
        .setAction(WatchAction.WATCH_ACTION_RECORD)
        .build();
  }

  @Test
  void howManyGroupsHaveASignalIsToldWhereOthersAreLeftOut() {
    IterationMetrics metrics =
        IterationMetrics.newBuilder()
            .setRounds(
                SamplingRounds.newBuilder()
                    .setRoundsCount(3)
                    .setSampledGroupsCount(57)
                    .setKeptGroupsCount(32))
            .build();

    assertThat(RunTable.remarks(metrics, null))
        .containsExactly("      rounds: 3, groups with a signal: 32 of 57");
  }

  @Test
  void laterUpdatesThatWereLeftOutAreToldAndTheirIterationIsNotASkippedOne() {
    IterationMetrics metrics =
        IterationMetrics.newBuilder()
            .setLearning(
                LearningMetrics.newBuilder()
                    .setOutcome(UpdateOutcome.UPDATE_OUTCOME_UPDATED)
                    .setMessage("updates 2 to 3 were left out: gradient norm: NaN"))
            .build();

    assertThat(RunTable.remarks(metrics, null))
        .containsExactly("      updates 2 to 3 were left out: gradient norm: NaN");
    assertThat(RunTable.summary(Run.getDefaultInstance(), List.of(metrics)).lines())
        .noneMatch(line -> line.startsWith("skipped"));
  }

  @Test
  void aPhaseThatDoesNotTellItsTimeHasNoThroughput() {
    IterationMetrics metrics =
        IterationMetrics.newBuilder()
            .setSamplesCount(8)
            .setMeanCompletionTokens(250)
            .setSampleSeconds(0.5)
            .setLearnSeconds(1.5)
            .build();
    Run run = Run.newBuilder().setLatest(metrics).build();

    // 2,000 tokens, in 0.5 s, in 1.5 s, and in both
    assertThat(RunTable.summary(run, List.of()).lines())
        .contains("tokens/s    sample 4,000, learn 1,333");
    assertThat(RunTable.tokensPerSecond(metrics)).isEqualTo("1000");
    assertThat(RunTable.tokensPerSecond(IterationMetrics.getDefaultInstance())).isEqualTo("–");
    assertThat(RunTable.summary(Run.getDefaultInstance(), List.of()).lines())
        .noneMatch(line -> line.startsWith("tokens/s"));
  }

  @Test
  void anEvaluationStandsBelowItsIterationAndWhyItsWeightsWereChosenWithTheCandidate() {
    Evaluation evaluation =
        Evaluation.newBuilder()
            .setMeanReward(0.5)
            .setLow(-0.25)
            .setHigh(1.25)
            .setConfidence(0.9)
            .setN(12)
            .setFailedCount(3)
            .build();
    IterationMetrics evaluated = IterationMetrics.newBuilder().setEvaluation(evaluation).build();
    IterationMetrics failed =
        IterationMetrics.newBuilder()
            .setEvaluationFailure(
                GoldFailure.newBuilder().setReason("TOO_FEW_SCORES").setMessage("busy"))
            .build();
    Run run =
        Run.newBuilder()
            .setCandidateVersion(FakeMesh.POLICY)
            .setCandidateReason("the best of 4 evaluations, 0.5 [-0.25, 1.25] at 90 %")
            .build();

    assertThat(RunTable.remarks(evaluated, null))
        .containsExactly(
            "      evaluation: +0.5000 [-0.2500, +1.2500] at 90 %, n = 12, 3 without a reward");
    assertThat(RunTable.remarks(failed, null))
        .containsExactly("      evaluation: failed: TOO_FEW_SCORES: busy");
    assertThat(RunTable.summary(run, List.of()).lines())
        .contains("chosen as   the best of 4 evaluations, 0.5 [-0.25, 1.25] at 90 %");
  }

  @Test
  void whatIsUsedStandsBesideWhatTheSpecAllows() {
    RunSpent spent =
        RunSpent.newBuilder()
            .setCompletionTokensCount(12_345)
            .setSeconds(125)
            .setMoney(0.0625)
            .build();
    String least =
        """
        name: least
        prompts: {inline: [a]}
        safety_test: {threshold: 0.3, prompts: {inline: [b, c]}}
        budget: {tokens: 20000, time: PT2H, money: 5, price: {per_hour: 1.8}}
        """;
    Run run =
        Run.newBuilder()
            .setSpec(least)
            .setLatest(IterationMetrics.newBuilder().setSpent(spent))
            .build();

    assertThat(RunTable.summary(run, List.of()).lines())
        .contains(
            "used        12,345 of 20,000 completion tokens, 2 min 5 s of 2 h 0 min, money 0.0625 of 5.0000");
    assertThat(RunTable.summary(run.toBuilder().setSpec("no spec").build(), List.of()).lines())
        .as("of a spec that would be refused today")
        .contains("used        12,345 completion tokens, 2 min 5 s, money 0.0625");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "AS_PLANNED | ./mesh runs resume some-id",
        "NEEDS_PROMPTS | ./mesh runs resume some-id --test-prompts FILE.jsonl",
        "TAKES_PROMPTS | ./mesh runs resume some-id --test-prompts FILE.jsonl; without, it tries the same prompts again",
        "NONE | not at all: no part of its delta is left for another safety test"
      })
  void howToGoOnDependsOnTheNextTest(String next, String words) {
    Run run =
        Run.newBuilder()
            .setRunId("some-id")
            .setState(RunState.RUN_STATE_FAILED)
            .setNextTest(NextTest.valueOf("NEXT_TEST_" + next))
            .build();

    assertThat(RunTable.summary(run, List.of()).lines().getLast()).endsWith("  " + words);
  }
}
