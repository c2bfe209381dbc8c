package io.ballast.orchestrator.core.run;

import static io.ballast.orchestrator.core.run.LoopWorld.RUN_ID;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.orchestrator.core.data.DataCursor;
import io.ballast.orchestrator.core.peer.PolicyVersions;
import io.ballast.orchestrator.testing.CrashPoints;
import io.ballast.orchestrator.testing.FakeWorld;
import io.ballast.orchestrator.testing.TestSpecs;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What a training loop does from its first iteration to its end, and what it refuses. */
class TrainingLoopTest {
  private static final String FOLLOWING =
      TestSpecs.onData("crash", "{feedback: {follow: true}}", "algorithm: KTO\nsource: DATA\n");

  @TempDir Path temporary;

  @Test
  void anUninterruptedRunLearnsTestsAndPromotes() throws IOException {
    LoopWorld world = new LoopWorld(temporary.resolve("whole"));

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
  void whatWasEvaluatedIsSampledFromWithoutBeingPublishedAgain() {
    String spec =
        TestSpecs.spec(
            "crash", "evaluation: {prompts: {inline: [\"held a\", \"held b\"]}, every: 1}");
    LoopWorld handing = new LoopWorld(temporary.resolve("handing"), spec).handing();
    LoopWorld folders = new LoopWorld(temporary.resolve("folders"), spec);

    var unusedHanded = handing.work(new CrashPoints(0));
    var unusedWritten = folders.work(new CrashPoints(0));

    assertThat(handing.trainees.getFirst().handed())
        .extracting(PinnedVersion::version)
        .as("what the three iterations began with, and what the last one left")
        .containsExactly(RUN_ID + "-1", RUN_ID + "-2", RUN_ID + "-3", RUN_ID + "-4");
    assertThat(handing.trainees.getFirst().written()).as("the candidate").isEqualTo(1);
    assertThat(folders.trainees.getFirst().written()).as("with the candidate").isEqualTo(5);
  }

  @Test
  void whatASkippedUpdateDidNotLearnFromIsTakenAgain() {
    LoopWorld world = new LoopWorld(temporary.resolve("skipped"), FOLLOWING);
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
  void threeUpdatesInARowThatAreNotFiniteStopTheRunAndSayWhy() {
    LoopWorld world = new LoopWorld(temporary.resolve("broken"));
    world.failures = 3;

    assertThatThrownBy(() -> world.work(new CrashPoints(0)))
        .isInstanceOf(MeshException.class)
        .hasMessageContaining("the updates of 3 iterations in a row were skipped, the last because")
        .hasMessageContaining("gradient norm: NaN")
        .hasMessageEndingWith("the weights are those of iteration 0");

    assertThat(world.store.iterations(RUN_ID, 0))
        .extracting(each -> each.learning().outcome())
        .containsExactly(UpdateOutcome.NOT_FINITE, UpdateOutcome.NOT_FINITE);
    assertThat(world.openTrainees()).isZero();
  }

  @Test
  void twoInARowDoNot() {
    LoopWorld world = new LoopWorld(temporary.resolve("mended"));
    world.failures = 2;

    Run run = world.work(new CrashPoints(0));

    assertThat(run.state()).isEqualTo(RunState.PROMOTED);
    assertThat(world.store.iterations(RUN_ID, 0))
        .extracting(each -> each.learning().outcome())
        .containsExactly(UpdateOutcome.NOT_FINITE, UpdateOutcome.NOT_FINITE, UpdateOutcome.UPDATED);
  }

  @Test
  void aRunThatTookNoUpdateHasNoCandidateHoweverOftenItWasTakenUp() {
    LoopWorld world =
        new LoopWorld(
            temporary.resolve("none"),
            TestSpecs.spec("crash").replace("iterations: 3", "iterations: 2"));
    world.failures = 2;
    killUntilAnIterationIsDurable(world);

    Run run = world.workIfActive();

    assertThat(world.store.iterations(RUN_ID, 0))
        .extracting(each -> each.learning().outcome())
        .containsExactly(UpdateOutcome.NOT_FINITE, UpdateOutcome.NOT_FINITE);
    assertThat(run.state()).isEqualTo(RunState.STOPPED);
    assertThat(run.progress().message())
        .isEqualTo(
            "no update of the policy was taken in 2 iterations: 2 not finite;"
                + " the weights are those the run began with");
    assertThat(run.progress().candidate()).isNull();
    assertThat(world.peers.tests).as("no look is spent").isEmpty();
  }

  @Test
  void oneUpdateInALifeOfBeforeIsEnoughForATest() {
    LoopWorld world =
        new LoopWorld(
            temporary.resolve("one"),
            TestSpecs.spec("crash").replace("iterations: 3", "iterations: 2"));
    killUntilAnIterationIsDurable(world);
    world.failures = 1;

    Run run = world.workIfActive();

    assertThat(world.store.iterations(RUN_ID, 0))
        .extracting(each -> each.learning().outcome())
        .containsExactly(UpdateOutcome.UPDATED, UpdateOutcome.NOT_FINITE);
    assertThat(run.state()).isEqualTo(RunState.PROMOTED);
    assertThat(world.peers.tests).hasSize(1);
  }

  /** Lives of a process, each killed a touch later than the one before. */
  private static void killUntilAnIterationIsDurable(LoopWorld world) {
    for (int fatal = 1; world.store.iterations(RUN_ID, 0).isEmpty(); fatal++) {
      CrashPoints points = new CrashPoints(fatal);
      assertThatThrownBy(() -> world.work(points)).isInstanceOf(CrashPoints.Killed.class);
    }
  }

  @Test
  void aLimitThatTheLastIterationAlonePassesIsTold() {
    LoopWorld world =
        new LoopWorld(
            temporary.resolve("limit"),
            TestSpecs.spec("crash")
                .replace("iterations: 3", "iterations: 2")
                .replace("stop_at: 1000", "stop_at: 1e-9"));

    Run run = world.work(new CrashPoints(0));

    assertThat(world.store.iterations(RUN_ID, 0))
        .extracting(each -> each.klNats().orElseThrow() > 1e-9)
        .as("the policy that begins is the reference")
        .containsExactly(false, true);
    assertThat(run.progress().earlyStopReason()).startsWith("kl ").contains(" over ");
    assertThat(run.progress().candidateIteration()).isEqualTo(2);
    assertThat(run.state()).isEqualTo(RunState.PROMOTED);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{time: PT25S} | budget.time is used up: 30.0 s of PT25S",
        "{money: 0.25, price: {per_hour: 36}} | budget.money is used up: 0.3000 of 0.25",
        "{time: PT25S, money: 0.4, price: {per_hour: 36}} | budget.time is used up: 30.0 s of PT25S"
      })
  void aRunWhoseTimeOrMoneyIsUsedUpStopsLearningAndIsTested(String budget, String reason) {
    LoopWorld world =
        new LoopWorld(
            temporary.resolve("budget"),
            TestSpecs.spec("crash", "budget: " + budget).replace("iterations: 3", "iterations: 6"));
    world.rollout = Duration.ofSeconds(10);
    killUntilAnIterationIsDurable(world);
    world.clock.advance(Duration.ofHours(1)); // nobody works on it

    Run run = world.workIfActive();

    assertThat(run.progress().iterationsDone()).isEqualTo(3);
    assertThat(run.progress().earlyStopReason()).isEqualTo(reason);
    assertThat(run.progress().candidateIteration()).isEqualTo(3);
    assertThat(run.state()).isEqualTo(RunState.PROMOTED);
  }

  @Test
  void aTimeThatTheLastIterationUsesUpEndsNothing() {
    LoopWorld world =
        new LoopWorld(temporary.resolve("just"), TestSpecs.spec("crash", "budget: {time: PT25S}"));
    world.rollout = Duration.ofSeconds(10);

    Run run = world.work(new CrashPoints(0));

    assertThat(run.progress().iterationsDone()).isEqualTo(3);
    assertThat(run.progress().earlyStopReason()).isEmpty();
    assertThat(run.state()).isEqualTo(RunState.PROMOTED);
  }

  @Test
  void aRunThatFollowsAndHearsNothingStopsWithoutACandidate() {
    LoopWorld world = new LoopWorld(temporary.resolve("silent"), FOLLOWING);
    world.peers.events.clear();

    Run run = world.work(new CrashPoints(0));

    assertThat(run.state()).isEqualTo(RunState.STOPPED);
    assertThat(run.progress().message()).startsWith("prompts.feedback: 0 new suggestions");
    assertThat(world.openTrainees()).isZero();
  }

  @Test
  void theSkippedUpdateThatEndsARunIsToldAlthoughItIsNoIteration() {
    LoopWorld world = new LoopWorld(temporary.resolve("three"));
    world.failures = 3;

    assertThatThrownBy(() -> world.work(new CrashPoints(0)))
        .isInstanceOf(MeshException.class)
        .hasMessageContaining("the updates of 3 iterations in a row were skipped");

    assertThat(world.store.iterations(RUN_ID, 0)).hasSize(2);
    assertThat(world.told)
        .containsExactly(
            UpdateOutcome.NOT_FINITE, UpdateOutcome.NOT_FINITE, UpdateOutcome.NOT_FINITE);
  }

  @Test
  void theSamplesOfASkippedUpdateAreKeptAndNamed() throws IOException {
    LoopWorld world = new LoopWorld(temporary.resolve("kept"));
    world.failures = 3;
    String folder = "skipped-updates/default/" + RUN_ID;

    assertThatThrownBy(() -> world.work(new CrashPoints(0)))
        .isInstanceOf(MeshException.class)
        .hasMessageContaining("gradient norm: NaN; no prompt alone is to blame; its samples are in")
        .hasMessageContaining(folder + "/3.json; the weights are those of iteration 0");

    assertThat(world.store.iterations(RUN_ID, 0))
        .extracting(each -> each.learning().message())
        .satisfiesExactly(
            first -> assertThat(first).endsWith("; its samples are in " + folder + "/1.json"),
            second -> assertThat(second).endsWith("; its samples are in " + folder + "/2.json"));
    for (int iteration = 1; iteration <= 3; iteration++) {
      JsonNode kept =
          new ObjectMapper()
              .readTree(world.root.resolve(folder).resolve(iteration + ".json").toFile());
      assertThat(kept.get("iteration").asInt()).isEqualTo(iteration);
      assertThat(kept.get("why").asText()).startsWith("gradient norm: NaN");
      assertThat(kept.get("groups")).hasSize(2);
      JsonNode group = kept.get("groups").get(0);
      assertThat(group.get("prompt").asText()).startsWith("int ");
      assertThat(group.get("completions"))
          .hasSize(3)
          .allSatisfy(
              completion -> {
                assertThat(completion.get("text").asText()).isNotEmpty();
                assertThat(completion.get("tokens")).isNotEmpty();
                assertThat(completion.get("reward").isNumber()).isTrue();
              });
    }
  }

  @Test
  void aLaterUpdateThatIsNotFiniteLeavesTheFirstAndIsTold() {
    LoopWorld world =
        new LoopWorld(
            temporary.resolve("later"),
            TestSpecs.spec(
                "crash",
                """
                algorithm: GRPO
                constraint: {enabled: false}
                objective: {updates_per_iteration: 3}
                """));
    world.finite = 1;
    world.failures = 1;

    var unused = world.work(new CrashPoints(0));

    assertThat(world.store.iterations(RUN_ID, 0))
        .extracting(IterationMetrics::learning)
        .filteredOn(LearningMetrics::leftLaterOut)
        .singleElement()
        .satisfies(
            learning ->
                assertThat(learning.message())
                    .startsWith("updates 2 to 3 were left out: gradient norm: NaN")
                    .contains("; its samples are in skipped-updates/default/" + RUN_ID));
  }

  @Test
  void aCheckpointThatMeetsAFullDiskIsAFaultOfItsKind() throws IOException {
    LoopWorld world = new LoopWorld(temporary.resolve("full"));
    world.room = 2;

    assertThatThrownBy(() -> world.work(new CrashPoints(0)))
        .isInstanceOfSatisfying(
            MeshException.class, e -> assertThat(e.fault()).isEqualTo(Fault.DEPENDENCY_DOWN))
        .hasMessage("the folder of weights cannot be used: No space left on device");

    assertThat(world.store.iterations(RUN_ID, 0)).hasSize(2);
    assertThat(world.checkpoints()).containsExactly("run-" + RUN_ID + "-2.safetensors");
    assertThat(world.openTrainees()).isZero();
  }

  @Test
  void aWorkerThatWasReplacedMayNoLongerWrite() throws IOException {
    LoopWorld world = new LoopWorld(temporary.resolve("zombie"));
    Run zombie = world.store.change(RUN_ID, Run::takenUp);
    world.work(new CrashPoints(0));
    List<IterationMetrics> before = world.store.iterations(RUN_ID, 0);

    assertThatThrownBy(() -> world.loop(new CrashPoints(0)).run(zombie))
        .isInstanceOf(RunLostException.class);

    assertThat(world.store.iterations(RUN_ID, 0)).isEqualTo(before);
  }

  @Test
  void aRunThatBeganUnderOtherDefaultsIsRefusedByTheirVersion() {
    LoopWorld world = new LoopWorld(temporary.resolve("before"));
    world.defaultsVersion(1);

    assertThatThrownBy(() -> world.work(new CrashPoints(0)))
        .isInstanceOf(MeshException.class)
        .hasMessageContaining(
            "began under version 1 of the defaults of specs (expected: 5): it cannot learn on");
  }

  @Test
  void aRunThatHasLearnedIsTestedAndPromotedHoweverItLearned() {
    LoopWorld world =
        new LoopWorld(
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
}
