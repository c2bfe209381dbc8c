package io.ballast.orchestrator.core.run;

import static io.ballast.orchestrator.core.run.KilledRuns.killAnywhere;
import static io.ballast.orchestrator.core.run.KilledRuns.withoutFence;
import static io.ballast.orchestrator.core.run.LoopWorld.RUN_ID;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.ballast.inference.store.ModelManifest;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.orchestrator.adapter.SpecParser;
import io.ballast.orchestrator.core.data.BadRow;
import io.ballast.orchestrator.core.data.DataCursor;
import io.ballast.orchestrator.core.measure.EvaluationReading;
import io.ballast.orchestrator.core.peer.SafetyTestReport;
import io.ballast.orchestrator.testing.CrashPoints;
import io.ballast.orchestrator.testing.MemoryFolder;
import io.ballast.orchestrator.testing.TestSpecs;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * kill -9 at any moment, start again: the run ends as if nothing had happened, and no sample counts
 * twice.
 */
class TrainingLoopCrashTest {
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

  @TempDir(factory = MemoryFolder.class)
  Path temporary;

  @Test
  void aRunThatIsKilledAnywhereEndsAsIfNothingHadHappened() throws IOException {
    Run run = killAnywhere(temporary, TestSpecs.spec("crash"));

    assertThat(run.state()).isEqualTo(RunState.PROMOTED);
  }

  @Test
  void aRunWhoseWeightsAreHandedOverEndsLikeOneOfFoldersWhereverItIsKilled() throws IOException {
    LoopWorld folders = new LoopWorld(temporary.resolve("folders"), EVALUATED);
    Run written = folders.work(new CrashPoints(0));

    Run handed = killAnywhere(temporary, root -> new LoopWorld(root, EVALUATED).handing());

    LoopWorld world = new LoopWorld(temporary.resolve("handed"), EVALUATED).handing();
    assertThat(withoutFence(world.work(new CrashPoints(0))))
        .isEqualTo(withoutFence(written))
        .isEqualTo(withoutFence(handed));
    assertThat(world.peers.sampled).isEqualTo(folders.peers.sampled);
    assertThat(world.root.resolve("models/tiny-rollout")).doesNotExist();
  }

  @Test
  void aRunTrainsWhatItsSpecSaysAndItsCandidateIsTheAverage() throws IOException {
    String spec = TestSpecs.spec("crash", "adapters: {rank: 2}\naverage: {decay: 0.5}");
    LoopWorld world = new LoopWorld(temporary.resolve("average"), spec);
    LoopWorld plain = new LoopWorld(temporary.resolve("plain"));
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
    assertThat(killAnywhere(temporary, spec).state()).isEqualTo(RunState.PROMOTED);
  }

  @Test
  void aRunThatItsWatchStopsIsStoppedTheSameWayWhereverItIsKilled() throws IOException {
    Run run = killAnywhere(temporary, WATCHED);

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
            temporary,
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

    Run run = killAnywhere(temporary, spec);

    assertThat(run.state()).isEqualTo(RunState.PROMOTED);
    LoopWorld world = new LoopWorld(temporary.resolve("climbed"), spec);
    var unused = world.work(new CrashPoints(0));
    assertThat(world.peers.sampled.get(0).prompts()).containsExactlyInAnyOrder("int a", "int b");
    assertThat(world.peers.sampled.get(1).prompts()).doesNotContain("int e");
  }

  @Test
  void aRunOnPairsIsTheSameWhereverItIsKilledAndSamplesNothing() throws IOException {
    String spec =
        TestSpecs.onData("crash", "{pairs: pairs.jsonl}", "algorithm: DPO\n")
            .replace("iterations: 3", "iterations: 6");

    Run run = killAnywhere(temporary, spec);

    assertThat(run.state()).isEqualTo(RunState.PROMOTED);
    LoopWorld world = new LoopWorld(temporary.resolve("pairs"), spec);
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

  @Test
  void eachThingThatPeopleSaidIsLearnedFromOnceWhereverARunIsKilled() throws IOException {
    Run run = killAnywhere(temporary, FOLLOWING);

    // two yes or no an iteration: a, b; then d, f; g alone is too little for a third
    assertThat(run.progress().iterationsDone()).isEqualTo(2);
    assertThat(run.progress().earlyStopReason())
        .isEqualTo(
            "prompts.feedback: 1 new suggestions that somebody said yes or no to (an iteration"
                + " takes 2)");
    assertThat(run.state()).isEqualTo(RunState.PROMOTED);
    LoopWorld world = new LoopWorld(temporary.resolve("followed"), FOLLOWING);
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
                      "row 5: is also a prompt of the safety test (expected: prompts that were"
                          + " never trained on)",
                      "row 7: chosen: 14 tokens with its end, limit 6, rollout.max_new_tokens",
                      "row 8: cut off at a limit (expected: a suggestion that the policy ended"
                          + " itself)");
            });
  }

  @Test
  void aRunOfSeveralConstraintsIsTestedOnceByEachWhereverItIsKilled() throws IOException {
    Run run =
        killAnywhere(
            temporary,
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
    Run run = killAnywhere(temporary, EVALUATED + "candidate: BEST\n");

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
    LoopWorld world = new LoopWorld(temporary.resolve("sampled"), EVALUATED);
    var unused = world.work(new CrashPoints(0));
    return world.peers.registered.stream()
        .filter(each -> each.version().equals(RUN_ID + "-" + iteration))
        .map(PinnedVersion::weightsSha256)
        .findFirst()
        .orElseThrow();
  }

  private List<IterationMetrics> iterationsOf(String spec) {
    LoopWorld world = new LoopWorld(temporary.resolve("iterations"), spec);
    var unused = world.work(new CrashPoints(0));
    return world.store.iterations(RUN_ID, 0);
  }

  @Test
  void anEvaluationThatDoesNotImproveStopsARunTheSameWayWhereverItIsKilled() throws IOException {
    Run run =
        killAnywhere(temporary, EVALUATED + "early_stop: {patience: 1, min_improvement: 100}\n");

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
    Run run = killAnywhere(temporary, TestSpecs.spec("crash", "budget: {tokens: 30}"));

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
    LoopWorld world = new LoopWorld(temporary.resolve("counted"), spec);
    var unused = world.work(new CrashPoints(0));
    return world.store.iterations(RUN_ID, 0).stream()
        .map(IterationMetrics::spent)
        .map(spent -> Objects.requireNonNull(spent).completionTokens())
        .toList();
  }

  @Test
  void timeIsThatOfAllLivesOfAProcessWithoutTheTimeInBetween() {
    String spec = TestSpecs.spec("crash", "budget: {money: 1000, price: {per_hour: 3600}}");
    LoopWorld world = new LoopWorld(temporary.resolve("lives"), spec);
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

  private static Spent spent(LoopWorld world) {
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

    Run run = killAnywhere(temporary, spec);

    assertThat(run.progress().iterationsDone()).isEqualTo(6);
    LoopWorld world = new LoopWorld(temporary.resolve("ahead"), spec);
    var unused = world.work(new CrashPoints(0));
    assertThat(world.sampledFrom()).containsExactly("1", "1", "1", "2", "3", "4");
    assertThat(world.folders("tiny-rollout"))
        .containsExactly(RUN_ID + "-3", RUN_ID + "-4", RUN_ID + "-5", RUN_ID + "-6");
  }

  @Test
  void aRunThatIsKilledAgainAndAgainStillEnds() throws IOException {
    LoopWorld whole = new LoopWorld(temporary.resolve("whole"));
    Run expected = whole.work(new CrashPoints(0));
    LoopWorld world = new LoopWorld(temporary.resolve("often"));

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
}
