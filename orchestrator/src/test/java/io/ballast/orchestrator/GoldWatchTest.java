package io.ballast.orchestrator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.ballast.kit.call.PinnedVersion;
import io.ballast.orchestrator.adapter.PostgresRunStore;
import io.ballast.orchestrator.adapter.SpecParser;
import io.ballast.orchestrator.core.run.ConstraintReading;
import io.ballast.orchestrator.core.run.LearningMetrics;
import io.ballast.orchestrator.core.run.LoopState;
import io.ballast.orchestrator.core.run.PromptSets;
import io.ballast.orchestrator.core.run.RunStore;
import io.ballast.orchestrator.core.spec.GroupedPrompts;
import io.ballast.orchestrator.core.spec.WatchAction;
import io.ballast.orchestrator.core.spec.WatchSpec;
import io.ballast.orchestrator.core.watch.GoldReading;
import io.ballast.orchestrator.core.watch.IterationWatch;
import io.ballast.orchestrator.core.watch.RewardWatch.Observation;
import io.ballast.orchestrator.core.watch.WatchState;
import io.ballast.orchestrator.testing.FakeWorld;
import io.ballast.orchestrator.testing.TestClock;
import io.ballast.orchestrator.v1.GoldScores;
import io.ballast.orchestrator.v1.IterationMetrics;
import io.ballast.orchestrator.v1.RewardWatch;
import io.ballast.orchestrator.v1.Run;
import io.ballast.orchestrator.v1.RunAlarmKind;
import io.ballast.orchestrator.v1.RunState;
import io.ballast.reward.v1.AggregationMethod;
import io.ballast.reward.v1.FitIntervalMethod;
import io.ballast.reward.v1.GoldFit;
import io.ballast.reward.v1.GoldForm;
import io.ballast.reward.v1.ScoreItem;
import io.ballast.rl.stats.Alarm;
import io.ballast.rl.stats.AlarmKind;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;

/**
 * Gold is asked beside the rewards, told with its curve, and an alarm where rewards leave it
 * behind.
 */
class GoldWatchTest extends RewardWatchCase {
  @Test
  void goldIsAskedOfASampleBesideTheRewardsOfTheSameCompletions() {
    mesh.rewards.gold = (call, completion) -> 100 - completion.length();

    String runId =
        mesh.create(
                spec(
                    "{gold: {model: gold, version: 7, aggregation: MEDIAN, every: 2, completions: 4}}"))
            .getRunId();
    mesh.awaitEnd(runId);

    assertThat(mesh.rewards.goldCalls).hasSize(3);
    assertThat(mesh.rewards.goldCalls.getFirst().getRewardModel().getVersion()).isEqualTo("7");
    assertThat(mesh.rewards.goldCalls.getFirst().getAggregation().getMethod())
        .isEqualTo(AggregationMethod.AGGREGATION_METHOD_MEDIAN);
    List<IterationMetrics> iterations = mesh.get(runId).getIterationsList();
    assertThat(iterations.stream().map(IterationMetrics::hasGold))
        .containsExactly(true, false, true, false, true, false);
    for (int i = 0; i < 3; i++) {
      List<String> asked =
          mesh.rewards.goldCalls.get(i).getItemsList().stream()
              .map(item -> item.getCompletion().getText())
              .toList();
      GoldScores gold = iterations.get(2 * i).getGold();
      assertThat(asked).hasSize(4);
      assertThat(mesh.rewards.calls.get(2 * i).getItemsList()).containsAll(items(i));
      assertThat(gold.getScoredCount()).isEqualTo(4);
      assertThat(gold.getMeanGold())
          .isCloseTo(
              asked.stream().mapToDouble(each -> 100 - each.length()).average().orElseThrow(),
              within(1e-12));
      assertThat(gold.getMeanReward())
          .isCloseTo(
              asked.stream().mapToDouble(FakeWorld::reward).average().orElseThrow(), within(1e-12));
    }
  }

  private List<ScoreItem> items(int goldCall) {
    return mesh.rewards.goldCalls.get(goldCall).getItemsList();
  }

  @Test
  void aRewardThatLeavesGoldBehindIsAnAlarm() {
    // gold is the reward at first, and falls by one a time: the gap is so many standard deviations
    mesh.rewards.gold = (call, completion) -> FakeWorld.reward(completion) - call;

    String runId =
        mesh.create(spec("{max_gap: 1, patience: 1, gold: {model: gold, version: 1}}")).getRunId();
    Run run = mesh.awaitEnd(runId);

    List<IterationMetrics> iterations = mesh.get(runId).getIterationsList();
    double std = iterations.getFirst().getGold().getGoldStd();
    assertThat(iterations.getFirst().getGoldGap()).isZero();
    for (int i = 1; i < iterations.size(); i++) {
      assertThat(iterations.get(i).getGoldGap()).isCloseTo(i / std, within(1e-9));
    }
    assertThat(run.getAlarmsList())
        .singleElement()
        .satisfies(
            alarm -> {
              assertThat(alarm.getKind()).isEqualTo(RunAlarmKind.RUN_ALARM_KIND_PROXY_GOLD_GAP);
              assertThat(alarm.getIteration()).isEqualTo(2 + (int) Math.floor(std));
              assertThat(alarm.getLimit()).isEqualTo(1);
            });
  }

  @Test
  void goldThatFailsIsAbsentAndHurtsNoRun() {
    mesh.rewards.goldFault = "UNKNOWN_MODEL";

    String runId = mesh.create(spec("{gold: {model: gold, version: 1}}")).getRunId();
    Run run = mesh.awaitEnd(runId);

    assertThat(run.getState()).isEqualTo(RunState.RUN_STATE_PROMOTED);
    assertThat(mesh.get(runId).getIterationsList())
        .hasSize(6)
        .allSatisfy(
            iteration -> {
              assertThat(iteration.hasGold()).isFalse();
              assertThat(iteration.hasGoldGap()).isFalse();
              assertThat(iteration.getGoldFailure().getReason()).isEqualTo("UNKNOWN_MODEL");
              assertThat(iteration.getGoldFailure().getMessage())
                  .isEqualTo("reward-server: no such model");
            });
    assertThat(mesh.get(runId).getWatch().getNoFitReason())
        .isEqualTo("gold was asked and never answered");
  }

  @Test
  void theSameIterationsReadFromTheStoreRaiseTheSameAlarms() {
    comeApartAfter(2);
    mesh.rewards.gold = (call, completion) -> FakeWorld.reward(completion) - call;
    mesh.rewards.ungolden = completion -> completion.length() > 4;
    String text =
        spec("{max_spread_growth: 1.5, max_gap: 1, patience: 2, gold: {model: gold, version: 1}}");
    String runId = mesh.create(text).getRunId();
    mesh.awaitEnd(runId);

    PostgresRunStore store = mesh.database.runs();
    WatchSpec watch = new SpecParser().apply(text).watch();
    WatchState state = null;
    List<IterationWatch> replayed = new ArrayList<>();
    for (io.ballast.orchestrator.core.run.IterationMetrics stored : store.iterations(runId, 0)) {
      var seen =
          io.ballast.orchestrator.core.watch.RewardWatch.observe(
              watch,
              state,
              new Observation(
                  stored.iteration(),
                  stored.meanReward(),
                  stored.meanSpread(),
                  stored.watch().gold()));
      replayed.add(seen.watch());
      state = seen.next();
    }

    assertThat(replayed).anySatisfy(each -> assertThat(each.alarms()).hasSize(2));
    assertThat(replayed)
        .isEqualTo(
            store.iterations(runId, 0).stream()
                .map(io.ballast.orchestrator.core.run.IterationMetrics::watch)
                .toList());
    assertThat(state).isEqualTo(store.loopState(runId).watch());
  }

  @Test
  void theCurveOfGoldIsAnsweredWithItsIntervals() {
    // α = 0.35, β = 0.146 (Gao et al., figure 1), gold 2 at first; the peak is at d = 4.0441,
    // 0.59044
    PostgresRunStore store = mesh.database.runs();
    String runId = storedRun(store);
    List<IterationWatch> given = new ArrayList<>();
    for (int d = 0; d <= 5; d++) {
      double gain = d == 0 ? 0 : d * (0.35 - 0.146 * Math.log(d));
      given.add(
          new IterationWatch(
              new GoldReading.Measured(2 + gain, 1.5, 0.25 * d, 0.75, 64, 1),
              0.125 * d,
              List.of()));
    }
    given.add(new IterationWatch(new GoldReading.Failed("TIMED_OUT", "slow"), null, List.of()));
    given.add(
        new IterationWatch(
            null,
            null,
            List.of(
                new io.ballast.orchestrator.core.watch.RunAlarm(
                    8, new Alarm(AlarmKind.SPREAD_GREW, 1.0 / 3, 0.3), WatchAction.RECORD))));
    for (int i = 0; i < given.size(); i++) {
      var unused =
          store.commit(
              runId,
              run -> run,
              metrics(i + 1, i * i, given.get(i)),
              LoopState.initial(List.of()),
              java.util.Optional.empty());
    }

    RewardWatch watch = mesh.get(runId).getWatch();

    assertThat(store.iterations(runId, 0).stream().map(each -> each.watch()))
        .as("bit for bit")
        .isEqualTo(given);
    assertThat(store.iterations(runId, 1, 2))
        .as("a few at a time")
        .extracting(each -> each.iteration())
        .containsExactly(2, 3);
    assertThat(watch.getGoldModel().getModel()).isEqualTo("gold");
    assertThat(watch.getGoldEveryIterations()).isEqualTo(1);
    assertThat(watch.getMaxGap()).isEqualTo(0.5);
    assertThat(watch.getFirstGold()).isEqualTo(2);
    assertThat(watch.getConfidence()).isEqualTo(0.95);
    GoldFit fit = watch.getFit();
    assertThat(fit.getForm()).isEqualTo(GoldForm.GOLD_FORM_REINFORCEMENT_LEARNING);
    assertThat(fit.getAlpha()).isCloseTo(0.35, within(1e-9));
    assertThat(fit.getBeta()).isCloseTo(0.146, within(1e-9));
    assertThat(fit.getAlphaLow()).isLessThanOrEqualTo(fit.getAlpha());
    assertThat(fit.getBetaHigh()).isGreaterThanOrEqualTo(fit.getBeta());
    assertThat(fit.getIntervalMethod()).isEqualTo(FitIntervalMethod.FIT_INTERVAL_METHOD_STUDENT_T);
    assertThat(fit.getPointsCount()).isEqualTo(5);
    assertThat(fit.getExcludedCount()).isEqualTo(1);
    assertThat(fit.getPeak().getDistance()).isCloseTo(4.0441, within(1e-3));
    assertThat(fit.getPeak().getGoldGain()).isCloseTo(0.59044, within(1e-4));
    assertThat(fit.getPeak().getObserved()).isTrue();
    IterationMetrics last = mesh.get(runId).getIterations(7);
    assertThat(last.getAlarms(0).getObserved()).isEqualTo(1.0 / 3);
    assertThat(mesh.get(runId).getIterations(6).getGoldFailure().getReason())
        .isEqualTo("TIMED_OUT");
  }

  private static String storedRun(PostgresRunStore store) {
    String runId = "0a1b2c3d-0000-4000-8000-000000000000";
    var unused =
        store.create(
            new RunStore.NewRun(
                new io.ballast.orchestrator.core.run.Run(
                    runId,
                    "default",
                    "watched",
                    spec("{gold: {model: gold, version: 1}}"),
                    new PinnedVersion("tiny", "1", FakeWorld.sha("base")),
                    6,
                    TestClock.START,
                    paused()),
                "",
                "fingerprint",
                new PromptSets(List.of("a"), GroupedPrompts.alone(List.of("b"))),
                LoopState.initial(List.of())));
    return runId;
  }

  private static io.ballast.orchestrator.core.run.RunProgress paused() {
    return new io.ballast.orchestrator.core.run.RunProgress(
        io.ballast.orchestrator.core.run.RunState.PAUSED,
        false,
        0,
        0,
        null,
        "",
        List.of(),
        null,
        0,
        "",
        0,
        0,
        List.of(),
        io.ballast.orchestrator.core.run.NextTest.AS_PLANNED,
        "",
        null);
  }

  private static io.ballast.orchestrator.core.run.IterationMetrics metrics(
      int iteration, double klNats, IterationWatch watch) {
    return new io.ballast.orchestrator.core.run.IterationMetrics(
        iteration,
        6,
        0,
        null,
        OptionalDouble.of(0.5),
        OptionalDouble.of(0.2),
        List.of(new ConstraintReading("harm", 0.1, null, null, null, false)),
        List.of(),
        OptionalDouble.of(klNats),
        1,
        3,
        LearningMetrics.unknown(),
        0,
        1,
        0,
        watch,
        null,
        null,
        1,
        1,
        1,
        TestClock.START);
  }
}
