package io.ballast.orchestrator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.ballast.kit.call.PinnedVersion;
import io.ballast.orchestrator.adapter.PostgresRunStore;
import io.ballast.orchestrator.adapter.SpecParser;
import io.ballast.orchestrator.core.run.LoopState;
import io.ballast.orchestrator.core.run.PromptSets;
import io.ballast.orchestrator.core.run.RunChanges;
import io.ballast.orchestrator.core.run.RunStore;
import io.ballast.orchestrator.core.spec.WatchAction;
import io.ballast.orchestrator.core.spec.WatchSpec;
import io.ballast.orchestrator.core.watch.GoldReading;
import io.ballast.orchestrator.core.watch.IterationWatch;
import io.ballast.orchestrator.core.watch.RewardWatch.Observation;
import io.ballast.orchestrator.core.watch.WatchState;
import io.ballast.orchestrator.testing.FakeWorld;
import io.ballast.orchestrator.testing.TestClock;
import io.ballast.orchestrator.testing.TestMesh;
import io.ballast.orchestrator.testing.TestSpecs;
import io.ballast.orchestrator.testing.TinyModel;
import io.ballast.orchestrator.v1.GoldScores;
import io.ballast.orchestrator.v1.IterationMetrics;
import io.ballast.orchestrator.v1.PauseRunRequest;
import io.ballast.orchestrator.v1.PromoteCandidateRequest;
import io.ballast.orchestrator.v1.ResumeRunRequest;
import io.ballast.orchestrator.v1.RewardWatch;
import io.ballast.orchestrator.v1.Run;
import io.ballast.orchestrator.v1.RunAlarm;
import io.ballast.orchestrator.v1.RunAlarmKind;
import io.ballast.orchestrator.v1.RunState;
import io.ballast.orchestrator.v1.WatchRunRequest;
import io.ballast.orchestrator.v1.WatchRunResponse;
import io.ballast.reward.v1.AggregationMethod;
import io.ballast.reward.v1.FitIntervalMethod;
import io.ballast.reward.v1.GoldFit;
import io.ballast.reward.v1.GoldForm;
import io.ballast.reward.v1.ScoreItem;
import io.ballast.rl.stats.Alarm;
import io.ballast.rl.stats.AlarmKind;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.OptionalDouble;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The watch over a run's rewards, on a real learner and a real database. */
class RewardWatchTest {
  @TempDir Path root;
  private TestMesh mesh;

  @BeforeEach
  void begin() {
    mesh = TestMesh.start(root);
  }

  @AfterEach
  void stop() {
    mesh.close();
  }

  private static String spec(String watch) {
    return TestSpecs.spec("watched", "watch: " + watch).replace("iterations: 3", "iterations: 6");
  }

  /** Members agree in the first {@code calm} iterations and not after. */
  private void comeApartAfter(int calm) {
    mesh.rewards.spread = (call, completion) -> call < calm ? 0.2 : 0.8;
  }

  @Test
  void aSpreadThatGrewEndsLearningAndTheCandidateIsTheLastThatWasGood() {
    comeApartAfter(3);

    Run run =
        mesh.awaitEnd(
            mesh.create(spec("{max_spread_growth: 1.5, patience: 2, action: STOP}")).getRunId());

    assertThat(run.getState()).isEqualTo(RunState.RUN_STATE_PROMOTED);
    assertThat(run.getEarlyStopReason())
        .isEqualTo("spread 0.80 over 0.30 in iteration 5; back to the weights after iteration 2");
    assertThat(run.getIterationsDone()).isEqualTo(5);
    assertThat(run.getCandidateIteration()).isEqualTo(2);
    // what iteration 3 sampled from is what iteration 2 left
    assertThat(run.getCandidateVersion().getWeightsSha256())
        .isEqualTo(mesh.policy.weights("tiny-rollout", run.getRunId() + "-3"))
        .isNotEqualTo(mesh.policy.weights("tiny-rollout", run.getRunId() + "-5"));
    assertThat(run.getAlarmsList())
        .singleElement()
        .satisfies(
            alarm -> {
              assertThat(alarm.getIteration()).isEqualTo(5);
              assertThat(alarm.getKind()).isEqualTo(RunAlarmKind.RUN_ALARM_KIND_SPREAD_GREW);
              assertThat(alarm.getObserved()).isCloseTo(0.8, within(1e-12));
              assertThat(alarm.getLimit()).isCloseTo(0.3, within(1e-12));
              assertThat(alarm.getAction())
                  .isEqualTo(io.ballast.orchestrator.v1.WatchAction.WATCH_ACTION_STOP);
            });
  }

  @Test
  void aRunOfWhichOnlyTheBaseWasGoodEndsWithoutACandidate() {
    comeApartAfter(1);

    Run run =
        mesh.awaitEnd(
            mesh.create(spec("{max_spread_growth: 1.5, patience: 1, action: STOP}")).getRunId());

    assertThat(run.getState()).isEqualTo(RunState.RUN_STATE_STOPPED);
    assertThat(run.getMessage())
        .isEqualTo("spread 0.80 over 0.30 in iteration 2; only the base was within the limits");
    assertThat(run.hasCandidateVersion()).isFalse();
    assertThat(run.hasEndTime()).isTrue();
    assertThat(mesh.safety.tests).isEmpty();
    assertThat(mesh.policy.serving).isEqualTo(TinyModel.VERSION);
    assertThatThrownBy(
            () ->
                mesh.runs()
                    .resumeRun(ResumeRunRequest.newBuilder().setRunId(run.getRunId()).build()))
        .satisfies(thrown -> refused(thrown, "has ended: STOPPED"));
  }

  @Test
  void aRefusedPromotionWaitsForAPersonWhoAcceptsTheAlarm() {
    comeApartAfter(2);

    Run held =
        mesh.awaitEnd(
            mesh.create(spec("{max_spread_growth: 1.5, patience: 2, action: REFUSE_PROMOTION}"))
                .getRunId());

    assertThat(held.getState()).isEqualTo(RunState.RUN_STATE_HELD);
    assertThat(held.getIterationsDone()).as("it learns to its end").isEqualTo(6);
    assertThat(held.getCandidateIteration()).isEqualTo(6);
    assertThat(held.getMessage())
        .startsWith(
            "passed; its rewards cannot be believed: spread 0.80 over 0.30 in iteration 4; ");
    assertThat(mesh.policy.promotions).isEmpty();
    assertThatThrownBy(() -> promote(held.getRunId(), false))
        .satisfies(
            thrown -> refused(thrown, "spread 0.80 over 0.30 in iteration 4; accept_alarms"));
    assertThat(promote(held.getRunId(), true).getState()).isEqualTo(RunState.RUN_STATE_PROMOTED);
    assertThat(mesh.policy.serving).isEqualTo(held.getCandidateVersion().getVersion());
  }

  private Run promote(String runId, boolean acceptAlarms) {
    return mesh.runs()
        .promoteCandidate(
            PromoteCandidateRequest.newBuilder()
                .setRunId(runId)
                .setAcceptAlarms(acceptAlarms)
                .build())
        .getRun();
  }

  @Test
  void anAlarmThatIsRecordedChangesNothingIsSeenByWatchersAndCountedOnce() {
    comeApartAfter(2);

    String runId = mesh.create(spec("{max_spread_growth: 1.5, patience: 2}")).getRunId();
    List<WatchRunResponse> seen = mesh.watchToTheEnd(runId);

    assertThat(seen.getLast().getRun().getState()).isEqualTo(RunState.RUN_STATE_PROMOTED);
    assertThat(
            seen.stream()
                .filter(WatchRunResponse::hasIteration)
                .map(each -> each.getIteration().getAlarmsCount()))
        .containsExactly(0, 0, 0, 1, 1, 1);
    assertThat(seen.getLast().getRun().getAlarmsList())
        .as("the first of its kind")
        .extracting(RunAlarm::getIteration)
        .containsExactly(4);
    assertThat(
            mesh.meters
                .counter("ballast.run.alarms", "kind", "SPREAD_GREW", "action", "RECORD")
                .count())
        .isEqualTo(1);
  }

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
  void whatTheWatchRemembersOutlivesAPauseAndAStop() throws InterruptedException {
    comeApartAfter(1); // iterations 2 and 3 are over, and 4, after the stop, is the third in a row
    mesh.policy.samplePermits.drainPermits();
    String runId =
        mesh.create(spec("{max_spread_growth: 1.5, patience: 3, action: REFUSE_PROMOTION}"))
            .getRunId();
    mesh.policy.samplePermits.release(2);
    mesh.policy.sampleBegun.acquire(3); // in iteration 3
    var paused =
        mesh.runs().pauseRun(PauseRunRequest.newBuilder().setRunId(runId).build()).getRun();
    mesh.policy.samplePermits.release(1);
    awaitPaused(runId);
    mesh.close();

    mesh = mesh.startAgain();
    mesh.policy.samplePermits.release(1_000);
    var resumed = mesh.runs().resumeRun(ResumeRunRequest.newBuilder().setRunId(runId).build());
    Run run = mesh.awaitEnd(runId);

    assertThat(paused.getAlarmsList()).isEmpty();
    assertThat(run.getState()).isEqualTo(RunState.RUN_STATE_HELD);
    assertThat(run.getAlarmsList()).extracting(RunAlarm::getIteration).containsExactly(4);
    assertThat(resumed.hasRun()).isTrue();
  }

  private void awaitPaused(String runId) {
    Iterator<WatchRunResponse> stream =
        mesh.runs().watchRun(WatchRunRequest.newBuilder().setRunId(runId).build());
    while (stream.hasNext()) {
      if (stream.next().getRun().getState() == RunState.RUN_STATE_PAUSED) {
        return;
      }
    }
    throw new AssertionError("never paused: " + runId);
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

    PostgresRunStore store = new PostgresRunStore(mesh.database, new RunChanges());
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
    PostgresRunStore store = new PostgresRunStore(mesh.database, new RunChanges());
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
              runId, run -> run, metrics(i + 1, i * i, given.get(i)), LoopState.initial(0));
    }

    RewardWatch watch = mesh.get(runId).getWatch();

    assertThat(store.iterations(runId, 0).stream().map(each -> each.watch()))
        .as("bit for bit")
        .isEqualTo(given);
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
                new PromptSets(List.of("a"), List.of("b")),
                LoopState.initial(0)));
    return runId;
  }

  private static io.ballast.orchestrator.core.run.Run.Progress paused() {
    return new io.ballast.orchestrator.core.run.Run.Progress(
        io.ballast.orchestrator.core.run.RunState.PAUSED,
        false,
        0,
        0,
        null,
        "",
        List.of(),
        null,
        0,
        0,
        null,
        "",
        null);
  }

  private static io.ballast.orchestrator.core.run.IterationMetrics metrics(
      int iteration, double klNats, IterationWatch watch) {
    return new io.ballast.orchestrator.core.run.IterationMetrics(
        iteration,
        6,
        0,
        0.5,
        OptionalDouble.of(0.2),
        0.1,
        null,
        null,
        klNats,
        1,
        3,
        0,
        1,
        0,
        watch,
        1,
        1,
        1,
        TestClock.START);
  }

  private static void refused(Throwable thrown, String message) {
    assertThat(thrown).isInstanceOf(StatusRuntimeException.class);
    Status status = ((StatusRuntimeException) thrown).getStatus();
    assertThat(status.getCode()).isEqualTo(Status.Code.FAILED_PRECONDITION);
    assertThat(status.getDescription()).contains(message);
  }
}
