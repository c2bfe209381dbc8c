package io.ballast.orchestrator.core.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.ballast.kit.call.PinnedVersion;
import io.ballast.orchestrator.core.Faults;
import io.ballast.orchestrator.core.data.DataCursor;
import io.ballast.orchestrator.core.rollout.JudgedRollout;
import io.ballast.orchestrator.testing.FakeWorld;
import io.ballast.orchestrator.testing.TestClock;
import io.ballast.orchestrator.testing.TestSpecs;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Iterations to come are sampled beside the learner, each from the weights that its number says.
 */
class RolloutAheadTest {
  private final List<String> rolled = Collections.synchronizedList(new ArrayList<>());
  private final List<Long> begins = Collections.synchronizedList(new ArrayList<>());

  /** A run of five iterations of which some are done. */
  private static Run run(int done) {
    return new Run(
        "0a1b2c3d-0000-4000-8000-000000000000",
        "default",
        "ahead",
        TestSpecs.spec("ahead"),
        new PinnedVersion("tiny", "1", FakeWorld.sha("base")),
        5,
        TestClock.START,
        new RunProgress(
            RunState.LEARNING,
            false,
            0,
            done,
            null,
            "",
            List.of(),
            null,
            0,
            "",
            0,
            0,
            List.of(),
            NextTest.AS_PLANNED,
            "",
            null));
  }

  /** Each takes one prompt more than the one before. */
  private RolloutAhead.Rollout roll(
      int iteration, PinnedVersion policy, DataCursor cursor, Consumer<DataCursor> sampled) {
    rolled.add(iteration + " from " + policy.version());
    begins.add(cursor.stream().events());
    DataCursor next = cursor.at(new DataCursor.Stream("", cursor.stream().events() + iteration));
    return new RolloutAhead.Rollout(List.of(), JudgedRollout.NONE, null, 0, iteration, next);
  }

  private static DataCursor cursor(long events) {
    return DataCursor.none().at(new DataCursor.Stream("", events));
  }

  /** Rolls, but waits for ever in iterations from {@code first} on. */
  private RolloutAhead.Roller holding(int first, CountDownLatch begun, CountDownLatch interrupted) {
    return (iteration, policy, cursor, sampled) -> {
      if (iteration >= first) {
        begun.countDown();
        try {
          new CountDownLatch(1).await();
        } catch (InterruptedException e) {
          interrupted.countDown();
        }
      }
      return roll(iteration, policy, cursor, sampled);
    };
  }

  private static PinnedVersion weights(int iteration) {
    return new PinnedVersion("tiny", "w" + iteration, FakeWorld.sha("w" + iteration));
  }

  private static RolloutAhead ahead(int done, int staleness, Executor executor) {
    return new RolloutAhead(
        run(done),
        staleness,
        selector ->
            new PinnedVersion(
                selector.model(), "stored " + selector.name(), FakeWorld.sha(selector.name())),
        executor);
  }

  private void assertRolls(RolloutAhead ahead, int iteration) {
    assertThat(ahead.next(iteration, weights(iteration), cursor(100), this::roll).judgeSeconds())
        .isEqualTo(iteration);
  }

  @Test
  void inLockStepEachIterationIsSampledWhenItIsAskedFor() {
    try (RolloutAhead ahead = ahead(0, 0, Runnable::run)) {
      assertRolls(ahead, 1);
      assertThat(rolled).containsExactly("1 from w1");
      assertRolls(ahead, 2);
      assertThat(rolled).containsExactly("1 from w1", "2 from w2");
    }
  }

  @Test
  void aheadEachIterationIsSampledFromWeightsAsOldAsTheStalenessSaysAndNoneAfterTheLast() {
    try (RolloutAhead ahead = ahead(0, 2, Runnable::run)) {
      for (int i = 1; i <= 5; i++) {
        assertRolls(ahead, i);
      }
    }
    assertThat(rolled)
        .containsExactly("1 from w1", "2 from w1", "3 from w1", "4 from w2", "5 from w3");
  }

  @Test
  void eachIterationGoesOnInTheDataWhereTheOneBeforeItEnds() {
    try (RolloutAhead ahead = ahead(1, 2, Runnable::run)) {
      assertRolls(ahead, 2);
      assertRolls(ahead, 3);
    }
    // 2, 3 and 4 are begun with the first call, 5 with the next; what is stored is asked for once
    assertThat(begins).containsExactly(100L, 102L, 105L, 109L);
  }

  @Test
  void whoTakesARunUpSamplesFromTheWeightsThatWereStored() {
    try (RolloutAhead ahead = ahead(3, 2, Runnable::run)) {
      assertRolls(ahead, 4);
    }
    String stored = "stored " + run(3).runId();
    assertThat(rolled).containsExactly("4 from " + stored + "-2", "5 from " + stored + "-3");
  }

  @Test
  void samplingGoesOnWhileTheLearnerIsAtWork() throws InterruptedException {
    CountDownLatch second = new CountDownLatch(1);
    RolloutAhead.Roller roller =
        (iteration, policy, cursor, sampled) -> {
          if (iteration == 2) {
            second.countDown();
          }
          return roll(iteration, policy, cursor, sampled);
        };
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
        RolloutAhead ahead = ahead(0, 1, threads)) {
      assertThat(ahead.next(1, weights(1), cursor(0), roller).judgeSeconds()).isEqualTo(1);
      second.await(); // and nobody has asked for it yet
      assertRolls(ahead, 2);
    }
  }

  @Test
  void whoIsAheadTakesTurnsAndHoldsNobodyUp() throws InterruptedException {
    CountDownLatch held = new CountDownLatch(1);
    CountDownLatch third = new CountDownLatch(1);
    RolloutAhead.Roller roller =
        (iteration, policy, cursor, sampled) -> {
          if (iteration == 2) {
            held(held);
          }
          RolloutAhead.Rollout rollout = roll(iteration, policy, cursor, sampled);
          if (iteration == 3) {
            third.countDown();
          }
          return rollout;
        };
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
        RolloutAhead ahead = ahead(0, 2, threads)) {
      assertThat(ahead.next(1, weights(1), cursor(0), roller).judgeSeconds()).isEqualTo(1);
      assertThat(rolled).as("2 is at work, and 3 waits for it").containsExactly("1 from w1");

      held.countDown();

      third.await(); // and nobody has asked for 2 yet
      assertThat(rolled).containsExactly("1 from w1", "2 from w1", "3 from w1");
      assertThat(begins).containsExactly(0L, 1L, 3L);
    }
  }

  @Test
  @Timeout(60)
  void oneIsJudgedWhileTheNextIsSampled() {
    CountDownLatch third = new CountDownLatch(1);
    RolloutAhead.Roller roller =
        (iteration, policy, cursor, sampled) -> {
          RolloutAhead.Rollout rollout = roll(iteration, policy, cursor, sampled);
          sampled.accept(rollout.next());
          if (iteration == 2) {
            held(third); // it is judged until the next has been sampled
          } else if (iteration == 3) {
            third.countDown();
          }
          return rollout;
        };
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
        RolloutAhead ahead = ahead(0, 2, threads)) {
      for (int i = 1; i <= 3; i++) {
        assertThat(ahead.next(i, weights(i), cursor(0), roller).judgeSeconds()).isEqualTo(i);
      }
    }
    assertThat(rolled).startsWith("1 from w1", "2 from w1", "3 from w1");
    assertThat(begins).startsWith(0L, 1L, 3L);
  }

  @Test
  void whoComesAfterOneThatFailsFailsByTheSame() {
    RolloutAhead.Roller roller =
        (iteration, policy, cursor, sampled) -> {
          if (iteration == 2) {
            throw Faults.precondition("it fails");
          }
          return roll(iteration, policy, cursor, sampled);
        };
    try (RolloutAhead ahead = ahead(0, 2, Runnable::run)) {
      assertThat(ahead.next(1, weights(1), cursor(0), roller).judgeSeconds()).isEqualTo(1);
      assertThatThrownBy(() -> ahead.next(3, weights(3), cursor(0), roller)).hasMessage("it fails");
    }
    assertThat(rolled).containsExactly("1 from w1");
  }

  private static void held(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void aFailureIsThatOfItsOwnIteration() {
    RolloutAhead.Roller roller =
        (iteration, policy, cursor, sampled) -> {
          if (iteration == 2) {
            throw Faults.precondition("it fails");
          }
          return roll(iteration, policy, cursor, sampled);
        };
    try (RolloutAhead ahead = ahead(0, 1, Runnable::run)) {
      assertThat(ahead.next(1, weights(1), cursor(0), roller).judgeSeconds()).isEqualTo(1);
      assertThatThrownBy(() -> ahead.next(2, weights(2), cursor(0), roller)).hasMessage("it fails");
    }
  }

  @Test
  void whatIsUnderWayIsEndedWithTheRun() throws InterruptedException {
    CountDownLatch begun = new CountDownLatch(1);
    CountDownLatch interrupted = new CountDownLatch(1);
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
        RolloutAhead ahead = ahead(0, 1, threads)) {
      assertThat(
              ahead.next(1, weights(1), cursor(0), holding(2, begun, interrupted)).judgeSeconds())
          .isEqualTo(1);
      begun.await();

      ahead.close();

      interrupted.await();
    }
    assertThat(rolled).containsExactly("1 from w1", "2 from w1");
  }

  @Test
  void soIsWhatALearnerThatIsEndedWaitsFor() throws InterruptedException {
    CountDownLatch begun = new CountDownLatch(1);
    CountDownLatch interrupted = new CountDownLatch(1);
    AtomicReference<Throwable> thrown = new AtomicReference<>();
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      Thread learner =
          Thread.startVirtualThread(
              () -> {
                try (RolloutAhead ahead = ahead(0, 1, threads)) {
                  thrown.set(
                      catchThrowable(
                          () ->
                              ahead.next(
                                  1, weights(1), cursor(0), holding(1, begun, interrupted))));
                }
              });
      begun.await();

      learner.interrupt();

      learner.join();
      interrupted.await();
    }
    assertThat(thrown.get()).isInstanceOf(CancellationException.class);
  }
}
