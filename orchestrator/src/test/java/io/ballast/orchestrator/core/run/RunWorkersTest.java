package io.ballast.orchestrator.core.run;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.orchestrator.testing.CrashPoints;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class RunWorkersTest {
  @TempDir private Path temporary;

  static Stream<Arguments> errors() {
    return Stream.of(
        Arguments.of(
            new OutOfMemoryError("Cannot allocate new FloatPointer"),
            "the orchestrator has no memory left: Cannot allocate new FloatPointer"),
        Arguments.of(
            new UnsatisfiedLinkError("no jnitorch"),
            "internal error; the orchestrator's log says more"));
  }

  @ParameterizedTest
  @MethodSource("errors")
  void aRunWhoseWorkerMeetsAnErrorFailsAndFreesItsPlace(Error error, String message)
      throws InterruptedException {
    LoopWorld world = new LoopWorld(temporary.resolve("world"));
    world.broken = error;
    try (RunWorkers workers = world.workers()) {
      workers.open();

      Run left = Objects.requireNonNull(world.left.poll(60, TimeUnit.SECONDS), "it never ended");

      assertThat(left.state()).isEqualTo(RunState.FAILED);
      assertThat(left.progress().message()).isEqualTo(message);
      world.broken = null;
      var unused = world.store.change(LoopWorld.RUN_ID, Run::resume);
      workers.dispatch();
      Run again = Objects.requireNonNull(world.left.poll(60, TimeUnit.SECONDS), "it has no place");
      assertThat(again.state()).isEqualTo(RunState.PROMOTED);
    }
  }

  @Test
  void aRunWhoseCheckpointMeetsAFullDiskFailsAndGoesOnFromTheOneBeforeWhenThereIsRoom()
      throws InterruptedException, IOException {
    LoopWorld whole = new LoopWorld(temporary.resolve("whole"));
    var unused = whole.work(new CrashPoints(0));
    LoopWorld world = new LoopWorld(temporary.resolve("full"));
    world.room = 1;
    try (RunWorkers workers = world.workers()) {
      workers.open();

      Run left = Objects.requireNonNull(world.left.poll(60, TimeUnit.SECONDS), "it never ended");

      assertThat(left.state()).isEqualTo(RunState.FAILED);
      assertThat(left.progress().message())
          .isEqualTo("the folder of weights cannot be used: No space left on device");
      assertThat(left.progress().iterationsDone()).isEqualTo(1);
      assertThat(world.checkpoints())
          .as("the one before, and nothing of the one that failed")
          .containsExactly("run-" + LoopWorld.RUN_ID + "-1.safetensors");
      world.room = Integer.MAX_VALUE;
      var resumed = world.store.change(LoopWorld.RUN_ID, Run::resume);
      workers.dispatch();
      Run again = Objects.requireNonNull(world.left.poll(60, TimeUnit.SECONDS), "it waits");
      assertThat(again.state()).isEqualTo(RunState.PROMOTED);
    }
    assertThat(world.trainees).as("one before it failed, one after").hasSize(2);
    assertThat(world.trainees.getLast().history())
        .as("the updates after the checkpoint alone")
        .isEqualTo(whole.trainees.getFirst().history().subList(1, 3));
    assertThat(world.weightsOfTheCandidate()).isEqualTo(whole.weightsOfTheCandidate());
    assertThat(world.openTrainees()).isZero();
  }

  @Test
  void aSlotGoesToTheTenantThatHadOneTheLongestAgo() throws InterruptedException {
    LoopWorld world = new LoopWorld(temporary.resolve("tenants"));
    world.broken = new UnsatisfiedLinkError("each run ends at once");
    String second = "00000002-0000-4000-8000-000000000000";
    String third = "00000003-0000-4000-8000-000000000000";
    String another = "00000004-0000-4000-8000-000000000000";
    world.queue(second, "default");
    world.queue(third, "default");
    world.queue(another, "acme");
    List<String> order = new ArrayList<>();
    try (RunWorkers workers = world.workers()) {
      workers.open();
      for (int i = 0; i < 4; i++) {
        Run left = Objects.requireNonNull(world.left.poll(60, TimeUnit.SECONDS), "it waits");
        order.add(left.runId());
      }
    }
    assertThat(order).containsExactly(LoopWorld.RUN_ID, another, second, third);
  }
}
