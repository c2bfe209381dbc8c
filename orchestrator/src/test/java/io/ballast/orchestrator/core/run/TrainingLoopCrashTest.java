package io.ballast.orchestrator.core.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.ballast.inference.api.Tokenizer;
import io.ballast.inference.store.ModelManifest;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.kit.error.MeshException;
import io.ballast.orchestrator.adapter.ModelFolders;
import io.ballast.orchestrator.adapter.SpecParser;
import io.ballast.orchestrator.adapter.StoredRollouts;
import io.ballast.orchestrator.core.data.BadRow;
import io.ballast.orchestrator.core.data.DataCursor;
import io.ballast.orchestrator.core.data.Labels;
import io.ballast.orchestrator.core.data.ReadSource;
import io.ballast.orchestrator.core.data.RowNotes;
import io.ballast.orchestrator.core.learner.Trainee;
import io.ballast.orchestrator.core.learner.TraineeLoader;
import io.ballast.orchestrator.core.learner.TraineeOptions;
import io.ballast.orchestrator.core.learner.WeightsStore;
import io.ballast.orchestrator.core.measure.EvaluationReading;
import io.ballast.orchestrator.core.peer.ComponentOracle;
import io.ballast.orchestrator.core.peer.CostOracle;
import io.ballast.orchestrator.core.peer.FeedbackStream;
import io.ballast.orchestrator.core.peer.Patience;
import io.ballast.orchestrator.core.peer.Patiences;
import io.ballast.orchestrator.core.peer.PolicyVersions;
import io.ballast.orchestrator.core.peer.RetryBudget;
import io.ballast.orchestrator.core.peer.RewardOracle;
import io.ballast.orchestrator.core.peer.RolloutSource;
import io.ballast.orchestrator.core.peer.SafetyTestReport;
import io.ballast.orchestrator.core.peer.SafetyTester;
import io.ballast.orchestrator.core.spec.DataSource;
import io.ballast.orchestrator.core.spec.GroupedPrompts;
import io.ballast.orchestrator.core.spec.PromptSource;
import io.ballast.orchestrator.core.spec.RunSpec;
import io.ballast.orchestrator.core.watch.RunAlarm;
import io.ballast.orchestrator.testing.CrashPoints;
import io.ballast.orchestrator.testing.FakePeers;
import io.ballast.orchestrator.testing.FakeWorld;
import io.ballast.orchestrator.testing.InMemoryRunStore;
import io.ballast.orchestrator.testing.OneWeightTrainee;
import io.ballast.orchestrator.testing.TestClock;
import io.ballast.orchestrator.testing.TestSpecs;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * kill -9 at any moment, start again: the run ends as if nothing had happened, and no sample counts
 * twice.
 */
class TrainingLoopCrashTest {
  private static final String RUN_ID = "0a1b2c3d-0000-4000-8000-000000000000";

  /** Gold in every other iteration, and no patience with a gap: this seed's gold falls behind. */
  private static final String WATCHED =
      TestSpecs.spec(
              "crash",
              """
              costs:
                measured:
                  - {name: truth, model: mix, version: 1, component: parses, every: 3}
                  - {name: test, model: java-cost, version: 2, every: 4, completions: 3}
              watch:
                max_spread_growth: 1000
                max_gap: 0.6
                patience: 1
                action: STOP
                gold: {model: gold, version: 1, every: 2, completions: 4}
              """)
          .replace("iterations: 3", "iterations: 8")
          .replace("seed: 5", "seed: 3");

  /** Evaluated after iterations 1, 3, 5 and the last, 6. */
  private static final String EVALUATED =
      TestSpecs.spec(
              "crash",
              """
              evaluation:
                prompts: {inline: ["held a", "held b", "held c"], groups: [A, A, B]}
                every: 2
                completions: 2
              """)
          .replace("iterations: 3", "iterations: 6");

  private static final String FOLLOWING =
      TestSpecs.onData("crash", "{feedback: {follow: true}}", "algorithm: KTO\nsource: DATA\n");

  private static final List<String> PROMPTS = List.of("int a", "int b", "int c", "int d", "int e");

  @TempDir Path temporary;

  @Test
  void anUninterruptedRunLearnsTestsAndPromotes() throws IOException {
    World world = new World(temporary.resolve("whole"));

    Run run = world.work(new CrashPoints(0));

    assertThat(run.state()).isEqualTo(RunState.PROMOTED);
    assertThat(run.progress().iterationsDone()).isEqualTo(3);
    assertThat(world.store.iterations(RUN_ID, 0))
        .extracting(IterationMetrics::iteration)
        .containsExactly(1, 2, 3);
    assertThat(world.peers.promotions.values())
        .singleElement()
        .satisfies(
            promotion -> {
              assertThat(promotion.base().version()).isEqualTo("1");
              assertThat(promotion.candidate().version()).isEqualTo("crash-0a1b2c3d");
              assertThat(promotion.certificateId()).isEqualTo("certificate-" + RUN_ID);
            });
    assertThat(world.folders("tiny")).containsExactly("crash-0a1b2c3d");
    assertThat(world.folders("tiny-rollout")).containsExactly(RUN_ID + "-2", RUN_ID + "-3");
    assertThat(world.checkpoints()).containsExactly("run-" + RUN_ID + "-3.safetensors");
    assertThat(world.openTrainees()).isZero();
  }

  @Test
  void aRunThatIsKilledAnywhereEndsAsIfNothingHadHappened() throws IOException {
    Run run = killAnywhere(TestSpecs.spec("crash"));

    assertThat(run.state()).isEqualTo(RunState.PROMOTED);
  }

  @Test
  void aRunTrainsWhatItsSpecSaysAndItsCandidateIsTheAverage() throws IOException {
    String spec = TestSpecs.spec("crash", "adapters: {rank: 2}\naverage: {decay: 0.5}");
    World world = new World(temporary.resolve("average"), spec);
    World plain = new World(temporary.resolve("plain"));
    var unused = plain.work(new CrashPoints(0));

    Run run = world.work(new CrashPoints(0));

    assertThat(world.opened).containsExactly(new SpecParser().apply(spec).traineeOptions());
    assertThat(world.opened.getFirst().adapters().orElseThrow().rank()).isEqualTo(2);
    List<Double> weights = world.trainees.getFirst().history();
    assertThat(weights).hasSize(3).isEqualTo(plain.trainees.getFirst().history());
    double average = 0;
    for (double weight : weights) {
      average = 0.5 * average + 0.5 * weight;
    }
    Path candidate = world.root.resolve("models/tiny/crash-0a1b2c3d");
    assertThat(Double.parseDouble(world.weightsOfTheCandidate()))
        .isEqualTo(average)
        .isNotEqualTo(weights.getLast());
    assertThat(ModelManifest.read(candidate).orElseThrow().notes())
        .containsEntry("average_decay", "0.5");
    assertThat(run.state()).isEqualTo(RunState.PROMOTED);
    assertThat(killAnywhere(spec).state()).isEqualTo(RunState.PROMOTED);
  }

  @Test
  void aRunThatItsWatchStopsIsStoppedTheSameWayWhereverItIsKilled() throws IOException {
    Run run = killAnywhere(WATCHED);

    assertThat(run.progress().alarms())
        .singleElement()
        .satisfies(alarm -> assertThat(alarm.iteration()).isEqualTo(5));
    assertThat(run.progress().earlyStopReason())
        .contains("in iteration 5; back to the weights after iteration 2");
    assertThat(run.progress().candidateIteration()).isEqualTo(2);
    assertThat(run.progress().iterationsDone()).isEqualTo(5);
  }

  @Test
  void aRunOfSeveralSourcesDrawsTheSamePromptsWhereverItIsKilled() throws IOException {
    Run run =
        killAnywhere(
            TestSpecs.spec("crash")
                .replace(
                    "prompts: {inline: [\"int a\", \"int b\", \"int c\", \"int d\", \"int e\"]}",
                    """
                    prompts:
                      - {inline: ["int a", "int b", "int c"], weight: 3}
                      - {inline: ["int d", "int e"], weight: 1}
                    """)
                .replace("iterations: 3", "iterations: 5"));

    assertThat(run.state()).isEqualTo(RunState.PROMOTED);
  }

  @Test
  void aRunThatClimbsACurriculumIsTheSameWhereverItIsKilled() throws IOException {
    String spec =
        TestSpecs.spec("crash")
            .replace(
                "prompts: {inline: [\"int a\", \"int b\", \"int c\", \"int d\", \"int e\"]}",
                "prompts: {file: rows.jsonl, curriculum: {field: level, from: 1, to: 3, over: 2}}")
            .replace("iterations: 3", "iterations: 5");

    Run run = killAnywhere(spec);

    assertThat(run.state()).isEqualTo(RunState.PROMOTED);
    World world = new World(temporary.resolve("climbed"), spec);
    var unused = world.work(new CrashPoints(0));
    assertThat(world.peers.sampled.get(0).prompts()).containsExactlyInAnyOrder("int a", "int b");
    assertThat(world.peers.sampled.get(1).prompts()).doesNotContain("int e");
  }

  @Test
  void aRunOnPairsIsTheSameWhereverItIsKilledAndSamplesNothing() throws IOException {
    String spec =
        TestSpecs.onData("crash", "{pairs: pairs.jsonl}", "algorithm: DPO\n")
            .replace("iterations: 3", "iterations: 6");

    Run run = killAnywhere(spec);

    assertThat(run.state()).isEqualTo(RunState.PROMOTED);
    World world = new World(temporary.resolve("pairs"), spec);
    var unused = world.work(new CrashPoints(0));
    assertThat(world.peers.sampled).isEmpty();
    assertThat(world.store.iterations(RUN_ID, 0))
        .hasSize(6)
        .allSatisfy(
            each -> {
              assertThat(each.learning().trainedCount()).isEqualTo(4);
              assertThat(each.droppedCount()).isZero();
              assertThat(each.trainServeGapNats()).isZero();
            });
    assertThat(world.folders("tiny")).containsExactly("crash-0a1b2c3d");
  }

  private static void people(World world) {
    world.peers.say("int a", "aei", Optional.of(true));
    world.peers.say("int b", "xyz", Optional.of(false));
    world.peers.say("int c", "ou", Optional.empty());
    world.peers.say("int d", "w", Optional.of(false));
    world.peers.say("long x", "io", Optional.of(true)); // is of the safety test
    world.peers.say("int e", "", Optional.of(true)); // was not shown
    world.peers.say("int f", "much too long", Optional.of(true));
    world.peers.events.add(
        new FeedbackStream.Event("8", "int f", "u", true, Optional.of(true))); // was cut off
    world.peers.say("int f", "uu", Optional.of(true));
    world.peers.say("int g", "zz", Optional.of(false));
  }

  @Test
  void eachThingThatPeopleSaidIsLearnedFromOnceWhereverARunIsKilled() throws IOException {
    Run run = killAnywhere(FOLLOWING);

    // two yes or no an iteration: a, b; then d, f; g alone is too little for a third
    assertThat(run.progress().iterationsDone()).isEqualTo(2);
    assertThat(run.progress().earlyStopReason())
        .isEqualTo(
            "prompts.feedback: 1 new suggestions that somebody said yes or no to (an iteration takes 2)");
    assertThat(run.state()).isEqualTo(RunState.PROMOTED);
    World world = new World(temporary.resolve("followed"), FOLLOWING);
    var unused = world.work(new CrashPoints(0));
    assertThat(world.store.prompts(RUN_ID).training())
        .containsExactly("int a", "int b", "int d", "int f");
    assertThat(world.store.loopState(RUN_ID).cursor().stream())
        .isEqualTo(new DataCursor.Stream("9", 9));
    assertThat(world.store.sources(RUN_ID))
        .singleElement()
        .satisfies(
            source -> {
              assertThat(source.count()).isEqualTo(4);
              assertThat(source.bad())
                  .extracting(BadRow::toString)
                  .containsExactly(
                      "row 5: is also a prompt of the safety test (expected: prompts that were never trained on)",
                      "row 7: chosen: 14 tokens with its end, limit 6, rollout.max_new_tokens",
                      "row 8: cut off at a limit (expected: a suggestion that the policy ended itself)");
            });
  }

  @Test
  void whatASkippedUpdateDidNotLearnFromIsTakenAgain() {
    World world = new World(temporary.resolve("skipped"), FOLLOWING);
    world.failures = 1;

    var unused = world.work(new CrashPoints(0));

    assertThat(world.store.iterations(RUN_ID, 0))
        .extracting(each -> each.learning().outcome())
        .containsExactly(UpdateOutcome.NOT_FINITE, UpdateOutcome.UPDATED, UpdateOutcome.UPDATED);
    assertThat(world.store.prompts(RUN_ID).training())
        .containsExactly("int a", "int b", "int d", "int f");
    assertThat(world.store.loopState(RUN_ID).cursor().stream())
        .isEqualTo(new DataCursor.Stream("9", 9));
  }

  @Test
  void aRunThatFollowsAndHearsNothingStopsWithoutACandidate() {
    World world = new World(temporary.resolve("silent"), FOLLOWING);
    world.peers.events.clear();

    Run run = world.work(new CrashPoints(0));

    assertThat(run.state()).isEqualTo(RunState.STOPPED);
    assertThat(run.progress().message()).startsWith("prompts.feedback: 0 new suggestions");
    assertThat(world.openTrainees()).isZero();
  }

  @Test
  void aRunOfSeveralConstraintsIsTestedOnceByEachWhereverItIsKilled() throws IOException {
    Run run =
        killAnywhere(
            TestSpecs.spec(
                    "crash",
                    """
                    constraints:
                      - {name: breaks, test: {threshold: 0.3}}
                      - {name: secrets, cost: {model: secrets}, test: {threshold: 0.1}}
                    """)
                .replace("  threshold: 0.4\n", "")
                .replace("\"long z\"", "\"long z\", \"long w\""));

    assertThat(run.state()).isEqualTo(RunState.PROMOTED);
    assertThat(run.progress().tests())
        .extracting(SafetyTestReport::testId)
        .containsExactly("test-" + RUN_ID + "-breaks", "test-" + RUN_ID + "-secrets");
  }

  @Test
  void theBestIsChosenOnceAndTestedOnceWhereverARunIsKilled() throws IOException {
    Run run = killAnywhere(EVALUATED + "candidate: BEST\n");

    List<IterationMetrics> iterations = iterationsOf(EVALUATED);
    assertThat(iterations.stream().filter(each -> each.evaluation() != null))
        .extracting(IterationMetrics::iteration)
        .containsExactly(1, 3, 5, 6);
    int best =
        iterations.stream()
            .filter(each -> each.evaluation() != null)
            .max(Comparator.comparingDouble(each -> measured(each).mean()))
            .map(IterationMetrics::iteration)
            .orElseThrow();
    assertThat(best).isLessThan(6);
    assertThat(run.progress().candidateIteration()).isEqualTo(best);
    assertThat(run.progress().candidateReason()).startsWith("the best of 4 evaluations, ");
    assertThat(run.progress().tests()).hasSize(1);
    assertThat(weightsOf(run)).isEqualTo(sampledFrom(best + 1));
  }

  private static EvaluationReading.Measured measured(IterationMetrics metrics) {
    return (EvaluationReading.Measured) Objects.requireNonNull(metrics.evaluation());
  }

  private static String weightsOf(Run run) {
    return Objects.requireNonNull(run.progress().candidate()).weightsSha256();
  }

  /** The weights that an iteration samples from, which the one before left. */
  private String sampledFrom(int iteration) {
    World world = new World(temporary.resolve("sampled"), EVALUATED);
    var unused = world.work(new CrashPoints(0));
    return world.peers.registered.stream()
        .filter(each -> each.version().equals(RUN_ID + "-" + iteration))
        .map(PinnedVersion::weightsSha256)
        .findFirst()
        .orElseThrow();
  }

  private List<IterationMetrics> iterationsOf(String spec) {
    World world = new World(temporary.resolve("iterations"), spec);
    var unused = world.work(new CrashPoints(0));
    return world.store.iterations(RUN_ID, 0);
  }

  @Test
  void anEvaluationThatDoesNotImproveStopsARunTheSameWayWhereverItIsKilled() throws IOException {
    Run run = killAnywhere(EVALUATED + "early_stop: {patience: 1, min_improvement: 100}\n");

    // the second evaluation, after iteration 3, cannot be 100 better than the first
    assertThat(run.progress().iterationsDone()).isEqualTo(3);
    assertThat(run.progress().earlyStopReason())
        .startsWith("early_stop: evaluation ")
        .contains(", number 1 in a row that is not more than 100.0 over ");
    assertThat(run.progress().candidateIteration()).isEqualTo(3);
    assertThat(run.progress().candidateReason()).isEmpty();
  }

  @Test
  void aRunWhoseTokensAreUsedUpStopsAtTheSameIterationWhereverItIsKilled() throws IOException {
    Run run = killAnywhere(TestSpecs.spec("crash", "budget: {tokens: 30}"));

    List<Long> tokens = tokensOfEachIteration(TestSpecs.spec("crash"));
    assertThat(tokens.getFirst()).isLessThan(30);
    assertThat(tokens.get(1)).isBetween(30L, tokens.get(2) - 1);
    assertThat(run.progress().iterationsDone()).isEqualTo(2);
    assertThat(run.progress().earlyStopReason())
        .isEqualTo("budget.tokens is used up: %d of 30 completion tokens".formatted(tokens.get(1)));
    assertThat(run.progress().candidateIteration()).isEqualTo(2);
    assertThat(run.state()).isEqualTo(RunState.PROMOTED);
  }

  private List<Long> tokensOfEachIteration(String spec) {
    World world = new World(temporary.resolve("counted"), spec);
    var unused = world.work(new CrashPoints(0));
    return world.store.iterations(RUN_ID, 0).stream()
        .map(IterationMetrics::spent)
        .map(spent -> Objects.requireNonNull(spent).completionTokens())
        .toList();
  }

  @Test
  void timeIsThatOfAllLivesOfAProcessWithoutTheTimeInBetween() {
    String spec = TestSpecs.spec("crash", "budget: {money: 1000, price: {per_hour: 3600}}");
    World world = new World(temporary.resolve("lives"), spec);
    for (int fatal = 1; world.store.iterations(RUN_ID, 0).isEmpty(); fatal++) {
      CrashPoints points = new CrashPoints(fatal);
      assertThatThrownBy(() -> world.work(points)).isInstanceOf(CrashPoints.Killed.class);
    }
    Spent before = spent(world);
    world.clock.advance(Duration.ofHours(1));

    var unused = world.workIfActive();

    assertThat(before.seconds()).isPositive();
    assertThat(spent(world).seconds()).isBetween(before.seconds() * 2, 1.0);
    assertThat(spent(world).money()).isCloseTo(spent(world).seconds(), within(1e-12));
  }

  private static Spent spent(World world) {
    return Objects.requireNonNull(world.store.iterations(RUN_ID, 0).getLast().spent());
  }

  @Test
  void aRunThatSamplesAheadIsTheSameWhereverItIsKilled() throws IOException {
    String spec =
        TestSpecs.spec(
                "crash",
                """
                objective: {importance_cap: 2}
                """)
            .replace("iterations: 3", "iterations: 6")
            .replace("rollout:\n", "rollout:\n  staleness: 2\n");

    Run run = killAnywhere(spec);

    assertThat(run.progress().iterationsDone()).isEqualTo(6);
    World world = new World(temporary.resolve("ahead"), spec);
    var unused = world.work(new CrashPoints(0));
    assertThat(world.sampledFrom()).containsExactly("1", "1", "1", "2", "3", "4");
    assertThat(world.folders("tiny-rollout"))
        .containsExactly(RUN_ID + "-3", RUN_ID + "-4", RUN_ID + "-5", RUN_ID + "-6");
  }

  /** Kills a run at each of its touches of the world in turn; returns the one that was not. */
  private Run killAnywhere(String spec) throws IOException {
    World whole = new World(temporary.resolve("whole"), spec);
    CrashPoints counted = new CrashPoints(0);
    Run expected = whole.work(counted);
    assertThat(counted.passed()).isGreaterThan(100);

    IntStream.rangeClosed(1, counted.passed())
        .parallel() // each is a world of its own
        .forEach(fatal -> assertThatItEndsLike(whole, expected, spec, fatal));
    return expected;
  }

  private void assertThatItEndsLike(World whole, Run expected, String spec, int fatal) {
    World world = new World(temporary.resolve("killed-" + fatal), spec);
    CrashPoints points = new CrashPoints(fatal);
    try {
      world.work(points);
    } catch (CrashPoints.Killed killed) {
      // the process is gone; what it had stored is there
    }
    Run run = world.workIfActive();

    String where = "touch " + fatal + ", " + points.where();
    assertThat(withoutFence(run)).as(where).isEqualTo(withoutFence(expected));
    assertThat(world.store.iterations(RUN_ID, 0))
        .as(where)
        .usingRecursiveFieldByFieldElementComparatorIgnoringFields(
            "sampleSeconds", "judgeSeconds", "learnSeconds", "spent.seconds")
        .isEqualTo(whole.store.iterations(RUN_ID, 0));
    assertThat(world.store.loopState(RUN_ID)).as(where).isEqualTo(whole.store.loopState(RUN_ID));
    assertThat(world.store.prompts(RUN_ID)).as(where).isEqualTo(whole.store.prompts(RUN_ID));
    assertThat(world.peers.promotions).as(where).isEqualTo(whole.peers.promotions);
    assertThat(world.peers.tests.keySet()).as(where).isEqualTo(whole.peers.tests.keySet());
    try {
      assertThat(world.folders("tiny")).as(where).isEqualTo(whole.folders("tiny"));
      assertThat(world.weightsOfTheCandidate()).as(where).isEqualTo(whole.weightsOfTheCandidate());
    } catch (IOException e) {
      throw new UncheckedIOException(where, e);
    }
  }

  @Test
  void aRunThatIsKilledAgainAndAgainStillEnds() throws IOException {
    World whole = new World(temporary.resolve("whole"));
    Run expected = whole.work(new CrashPoints(0));
    World world = new World(temporary.resolve("often"));

    // every life is a little longer than the one before: some never get through an iteration
    for (int fatal = 1; world.store.find(RUN_ID).orElseThrow().state().active(); fatal += 7) {
      try {
        world.work(new CrashPoints(fatal));
      } catch (CrashPoints.Killed killed) {
        // again
      }
    }

    assertThat(withoutFence(world.store.find(RUN_ID).orElseThrow()))
        .isEqualTo(withoutFence(expected));
    assertThat(world.store.loopState(RUN_ID)).isEqualTo(whole.store.loopState(RUN_ID));
  }

  @Test
  void aWorkerThatWasReplacedMayNoLongerWrite() throws IOException {
    World world = new World(temporary.resolve("zombie"));
    Run zombie = world.store.change(RUN_ID, Run::takenUp);
    world.work(new CrashPoints(0));
    List<IterationMetrics> before = world.store.iterations(RUN_ID, 0);

    assertThatThrownBy(() -> world.loop(new CrashPoints(0)).run(zombie))
        .isInstanceOf(RunLostException.class);

    assertThat(world.store.iterations(RUN_ID, 0)).isEqualTo(before);
  }

  @Test
  void aRunThatBeganUnderOtherDefaultsIsRefusedByTheirVersion() {
    World world = new World(temporary.resolve("before"));
    world.defaultsVersion(1);

    assertThatThrownBy(() -> world.work(new CrashPoints(0)))
        .isInstanceOf(MeshException.class)
        .hasMessageContaining(
            "began under version 1 of the defaults of specs (expected: 2): it cannot learn on");
  }

  @Test
  void aRunThatHasLearnedIsTestedAndPromotedHoweverItLearned() {
    World world =
        new World(
            temporary.resolve("before"),
            TestSpecs.spec("crash"),
            TestSpecs.spec("crash", "advantage: GRPO\nkl: {estimator: K3}")
                .replace("kl: {stop_at: 1000}\n", ""));
    world.defaultsVersion(1);
    PinnedVersion candidate = new PinnedVersion("tiny", "crash-0a1b2c3d", FakeWorld.sha("w"));
    var learned = world.store.change(RUN_ID, run -> run.withCandidate(candidate, 3, ""));

    Run run = world.work(new CrashPoints(0));

    assertThat(run.state()).isEqualTo(RunState.PROMOTED);
    assertThat(world.peers.promotions.values())
        .extracting(PolicyVersions.Promotion::candidate)
        .containsExactly(candidate);
  }

  private static Run withoutFence(Run run) {
    RunProgress p = run.progress();
    IterationMetrics latest = p.latest();
    return new Run(
        run.runId(),
        run.tenant(),
        run.name(),
        run.spec(),
        run.base(),
        run.iterationsCount(),
        run.createdAt(),
        new RunProgress(
            p.state(),
            p.pauseAsked(),
            0,
            p.iterationsDone(),
            latest == null ? null : timeless(latest),
            p.earlyStopReason(),
            p.alarms(),
            p.candidate(),
            p.candidateIteration(),
            p.candidateReason(),
            p.testAttempts(),
            p.spentAttempts(),
            p.tests(),
            p.nextTest(),
            p.message(),
            p.endedAt()));
  }

  private static IterationMetrics timeless(IterationMetrics m) {
    return new IterationMetrics(
        m.iteration(),
        m.samplesCount(),
        m.droppedCount(),
        m.meanReward(),
        m.meanSpread(),
        m.constraints(),
        m.measured(),
        m.klNats(),
        m.entropyNats(),
        m.meanCompletionTokens(),
        m.learning(),
        m.loss(),
        m.gradientNorm(),
        m.trainServeGapNats(),
        m.watch(),
        m.evaluation(),
        timeless(m.spent()),
        0,
        0,
        0,
        m.committedAt());
  }

  private static @Nullable Spent timeless(@Nullable Spent spent) {
    return spent == null ? null : new Spent(spent.completionTokens(), 0, null);
  }

  /** What outlives a process: the database, the disk, the other servers. */
  private static final class World {
    private int failures; // of each trainee's first updates
    private final Path root;
    private final InMemoryRunStore store = new InMemoryRunStore();
    private final FakePeers peers = new FakePeers();
    private final ModelFolders modelFolders;
    private final StoredRollouts rollouts;
    private final List<OneWeightTrainee> trainees = new ArrayList<>();
    private final List<TraineeOptions> opened = new ArrayList<>();
    private final TestClock clock = new TestClock();

    private World(Path root) {
      this(root, TestSpecs.spec("crash"));
    }

    private World(Path root, String text) {
      this(root, text, text);
    }

    /**
     * @param text of the spec by which the run begins
     * @param stored which is stored
     */
    private World(Path root, String text, String stored) {
      this.root = root;
      Path models = root.resolve("models");
      modelFolders = new ModelFolders(List.of(models), root.resolve("learner"));
      rollouts = new StoredRollouts(models);
      RunSpec spec = new SpecParser().apply(text);
      Run run =
          new Run(
              RUN_ID,
              "default",
              "crash",
              stored,
              new PinnedVersion("tiny", "1", FakeWorld.sha("base")),
              spec.iterations(),
              TestClock.START,
              RunProgress.queued());
      if (spec.follows()) {
        people(this);
      }
      var unused =
          store.create(
              new RunStore.NewRun(
                  run,
                  "",
                  "fingerprint",
                  new PromptSets(
                      spec.follows() ? List.of() : PROMPTS,
                      notes(spec),
                      sources(spec),
                      ((PromptSource.Inline) spec.safetyTest().prompts()).given(),
                      evaluated(spec)),
                  LoopState.initial(spec.constraints())));
    }

    /** Those that the run's inline sources give, or the only file, or nothing yet. */
    private static List<ReadSource> sources(RunSpec spec) {
      return spec.prompts().stream()
          .map(DataSource::rows)
          .map(
              rows ->
                  ReadSource.of(
                      rows.name(),
                      switch (rows) {
                        case PromptSource.Inline(GroupedPrompts given) -> given.size();
                        case PromptSource.InFile _, PromptSource.Feedback _ -> PROMPTS.size();
                        case PromptSource.Followed _ -> 0;
                      }))
          .toList();
    }

    /** The five prompts from easy to hard, and what people thought. */
    private static RowNotes notes(RunSpec spec) {
      return new RowNotes(
          spec.prompts().getFirst().curriculum() == null
              ? List.of()
              : List.of(1.0, 1.0, 2.0, 2.0, 3.0),
          !spec.fromData() || spec.follows()
              ? List.of()
              : List.of(
                  new Labels("aei", "xyz"),
                  new Labels("ou", "w"),
                  new Labels("eee", "zz"),
                  new Labels("ab", "vwx"),
                  new Labels("io", "tuv")));
    }

    private static GroupedPrompts evaluated(RunSpec spec) {
      return spec.evaluation() != null
              && spec.evaluation().prompts() instanceof PromptSource.Inline(GroupedPrompts given)
          ? given
          : GroupedPrompts.alone(List.of());
    }

    /** As a process of before left it. */
    private void defaultsVersion(int version) {
      LoopState state = store.loopState(RUN_ID);
      store.state(
          RUN_ID,
          new LoopState(
              state.constraints(),
              state.recipe(),
              state.firstVitals(),
              state.watch(),
              state.evaluation(),
              state.costModels(),
              state.cursor(),
              version));
    }

    /** One life of a process. */
    private Run work(CrashPoints points) {
      Run taken = store.change(RUN_ID, Run::takenUp);
      return loop(points).run(taken);
    }

    private Run workIfActive() {
      Run run = store.find(RUN_ID).orElseThrow();
      return run.state().active() ? work(new CrashPoints(0)) : run;
    }

    private TrainingLoop loop(CrashPoints points) {
      TraineeLoader loader =
          new TraineeLoader() {
            @Override
            public long memoryBytes(PinnedVersion base, TraineeOptions options) {
              return 0;
            }

            @Override
            public <T> T tokenizing(PinnedVersion base, Function<Tokenizer, T> work) {
              throw new AssertionError("its rows were read when it was created");
            }

            @Override
            public Trainee load(PinnedVersion base, TraineeOptions options) {
              opened.add(options);
              OneWeightTrainee trainee = new OneWeightTrainee(options.averageDecay());
              trainee.fail(failures);
              trainees.add(trainee);
              return points.wrap(Trainee.class, trainee);
            }
          };
      Patience patience =
          new Patience(
              new Patience.Limits(
                  Duration.ofMinutes(1), Duration.ofMillis(1), Duration.ofMillis(1)),
              new RetryBudget(10, 0.1),
              time -> {},
              clock::nanoTime,
              new Random(1));
      return new TrainingLoop(
          points.wrap(RunStore.class, store),
          new SpecParser(),
          new TrainingLoop.Peers(
              points.wrap(RolloutSource.class, peers.rollouts),
              points.wrap(RewardOracle.class, peers.rewards),
              points.wrap(ComponentOracle.class, peers.components),
              points.wrap(CostOracle.class, peers.costs),
              points.wrap(PolicyVersions.class, peers.versions),
              points.wrap(SafetyTester.class, peers.tester),
              points.wrap(FeedbackStream.class, peers.feedback)),
          new TrainingLoop.Weights(
              points.wrap(TraineeLoader.class, loader),
              points.wrap(WeightsStore.class, modelFolders),
              points.wrap(RolloutFolders.class, rollouts)),
          new Patiences(patience, patience, patience, patience, patience),
          new TrainingLoop.Surroundings(clock, clock::nanoTime, Runnable::run),
          new QuietMonitor(),
          256);
    }

    /** Which iteration began with the weights of each sampling. */
    private List<String> sampledFrom() {
      return peers.sampled.stream()
          .map(query -> query.policy().version().substring(RUN_ID.length() + 1))
          .toList();
    }

    private long openTrainees() {
      return trainees.stream().filter(trainee -> !trainee.closed()).count();
    }

    private List<String> folders(String model) throws IOException {
      return names(root.resolve("models").resolve(model));
    }

    private String weightsOfTheCandidate() throws IOException {
      return Files.readString(
          root.resolve("models/tiny/crash-0a1b2c3d").resolve(ModelManifest.WEIGHTS));
    }

    private List<String> checkpoints() throws IOException {
      return names(root.resolve("learner").resolve("default"));
    }

    private static List<String> names(Path folder) throws IOException {
      try (Stream<Path> files = Files.list(folder)) {
        return files.map(each -> String.valueOf(each.getFileName())).sorted().toList();
      }
    }
  }

  private static final class QuietMonitor implements RunMonitor {
    @Override
    public <T> T watch(Run run, Phase phase, Supplier<T> work) {
      return work.get();
    }

    @Override
    public void learnsFrom(Run run, List<ReadSource> sources) {}

    @Override
    public void iterated(Run run, IterationMetrics metrics) {}

    @Override
    public void alarmed(Run run, RunAlarm alarm) {}

    @Override
    public void left(Run run) {}
  }
}
