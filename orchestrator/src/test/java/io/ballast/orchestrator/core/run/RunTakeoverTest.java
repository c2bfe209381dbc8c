package io.ballast.orchestrator.core.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.kit.call.PinnedVersion;
import io.ballast.orchestrator.core.spec.GroupedPrompts;
import io.ballast.orchestrator.testing.CrashPoints;
import io.ballast.orchestrator.testing.CrashPoints.Killed;
import io.ballast.orchestrator.testing.FakeWorld;
import io.ballast.orchestrator.testing.InMemoryRunStore;
import io.ballast.orchestrator.testing.TestClock;
import io.ballast.orchestrator.testing.TestDatabase;
import io.ballast.testing.Await;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Of two orchestrators one works on a run, and the other takes it over when that one is gone. */
class RunTakeoverTest {
  @TempDir private Path temporary;

  static Stream<RunStore> stores() {
    return Stream.of(new InMemoryRunStore(new TestClock()), TestDatabase.create().runs());
  }

  @ParameterizedTest
  @MethodSource("stores")
  void aLeaseIsOneHoldersUntilItIsOverOrGivenBack(RunStore store) {
    String runId = LoopWorld.RUN_ID;
    var created =
        store.create(
            new RunStore.NewRun(
                new Run(
                    runId,
                    "default",
                    "leased",
                    "name: leased",
                    new PinnedVersion("tiny", "1", FakeWorld.sha("base")),
                    3,
                    TestClock.START,
                    RunProgress.queued()),
                "",
                "fingerprint",
                new PromptSets(List.of("int a"), GroupedPrompts.alone(List.of("int b"))),
                LoopState.initial(List.of())));
    Duration hour = Duration.ofHours(1);

    assertThat(store.lease(runId, "one", hour)).isTrue();
    assertThat(store.lease(runId, "another", hour)).isFalse();
    assertThat(store.lease(runId, "one", hour)).as("renewed").isTrue();
    store.release(runId, "another");
    assertThat(store.lease(runId, "another", hour)).as("was not its own to give back").isFalse();
    store.release(runId, "one");
    assertThat(store.lease(runId, "another", Duration.ZERO)).isTrue();
    assertThat(store.lease(runId, "one", hour)).as("the other's is over").isTrue();
  }

  @ParameterizedTest
  @ValueSource(ints = {20, 60, 100})
  void aRunWhoseOrchestratorWasKilledGoesOnElsewhereWhenItsLeaseIsOver(int touches)
      throws InterruptedException, IOException {
    LoopWorld whole = new LoopWorld(temporary.resolve("whole"));
    var unused = whole.work(new CrashPoints(0));
    LoopWorld world = new LoopWorld(temporary.resolve("killed"));
    RunLeases killed = world.leases("killed");
    assertThat(killed.take(LoopWorld.RUN_ID)).isTrue();
    assertThatThrownBy(() -> world.work(new CrashPoints(touches))).isInstanceOf(Killed.class);

    try (RunWorkers other = world.workers("other")) {
      other.open();
      world.clock.advance(LoopWorld.LEASE.minusMillis(1));
      other.open();
      assertThat(other.has(LoopWorld.RUN_ID)).as("it may be slow, and not dead").isFalse();
      world.clock.advance(Duration.ofMillis(1));
      other.open();
      Run left = Objects.requireNonNull(world.left.poll(60, TimeUnit.SECONDS), "it waits");
      assertThat(left.state()).isEqualTo(RunState.PROMOTED);
    }

    assertThat(world.store.iterations(LoopWorld.RUN_ID, 0))
        .extracting(IterationMetrics::iteration)
        .containsExactly(1, 2, 3);
    assertThat(world.weightsOfTheCandidate()).isEqualTo(whole.weightsOfTheCandidate());
    assertThat(killed.take(LoopWorld.RUN_ID)).as("it was given back").isTrue();
  }

  @Test
  void aHolderThatWasOnlySlowWritesNothingMore() throws InterruptedException, IOException {
    LoopWorld whole = new LoopWorld(temporary.resolve("whole"));
    var unused = whole.work(new CrashPoints(0));
    LoopWorld world = new LoopWorld(temporary.resolve("slow"));
    CountDownLatch asleep = new CountDownLatch(1);
    CountDownLatch awake = new CountDownLatch(1);
    AtomicInteger samplings = new AtomicInteger();
    world.sampling =
        () -> {
          if (samplings.incrementAndGet() == 2) { // of the second iteration
            asleep.countDown();
            await(awake);
          }
        };
    try (RunWorkers slow = world.workers("slow");
        RunWorkers other = world.workers("other")) {
      slow.open();
      asleep.await();
      world.clock.advance(LoopWorld.LEASE);
      other.open();
      Run left = Objects.requireNonNull(world.left.poll(60, TimeUnit.SECONDS), "it waits");
      assertThat(left.state()).isEqualTo(RunState.PROMOTED);

      awake.countDown();
      Await.until(() -> !slow.has(LoopWorld.RUN_ID));
    }

    assertThat(world.store.iterations(LoopWorld.RUN_ID, 0))
        .extracting(IterationMetrics::iteration)
        .containsExactly(1, 2, 3);
    assertThat(world.peers.promotions).hasSize(1);
    assertThat(world.weightsOfTheCandidate()).isEqualTo(whole.weightsOfTheCandidate());
  }

  @Test
  void aHolderLetsGoOfWhatAnotherTookOver() throws InterruptedException {
    LoopWorld world = new LoopWorld(temporary.resolve("lost"));
    CountDownLatch asleep = new CountDownLatch(1);
    world.sampling =
        () -> {
          asleep.countDown();
          await(new CountDownLatch(1)); // until it is interrupted
        };
    try (RunWorkers slow = world.workers("slow")) {
      slow.open();
      asleep.await();
      slow.open();
      assertThat(slow.has(LoopWorld.RUN_ID)).as("renewed").isTrue();
      world.clock.advance(LoopWorld.LEASE);
      assertThat(world.leases("other").take(LoopWorld.RUN_ID)).isTrue();

      slow.open();

      Await.until(() -> !slow.has(LoopWorld.RUN_ID));
      assertThat(world.store.find(LoopWorld.RUN_ID))
          .hasValueSatisfying(run -> assertThat(run.state()).isEqualTo(RunState.LEARNING));
    }
  }

  @Test
  void aLeaseThatCannotBeGivenBackTakesNoSlot() throws InterruptedException {
    LoopWorld world = new LoopWorld(temporary.resolve("kept"));
    world.store.onRelease(
        () -> {
          throw new IllegalStateException("not what a database that is away throws");
        });
    try (RunWorkers workers = world.workers("one")) {
      workers.open();
      Run left = Objects.requireNonNull(world.left.poll(60, TimeUnit.SECONDS), "it waits");
      assertThat(left.state()).isEqualTo(RunState.PROMOTED);
      Await.until(() -> !workers.has(LoopWorld.RUN_ID));
    }
  }

  private static void await(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new CancellationException("interrupted");
    }
  }
}
