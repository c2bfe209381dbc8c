package io.ballast.kit.batching;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.kit.call.CallPatience;
import io.ballast.kit.call.Lane;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;

/** What would be too late for its caller is refused when it comes, and costs the engine nothing. */
class BatchingQueueTimeTest extends BatchingQueueCase {
  private static final Duration BATCH = Duration.ofMillis(40);

  private final BatchingQueue<String, String, String> queue = queue(10, Duration.ZERO, 1_000);
  private final List<CompletableFuture<Batched<String>>> all = new ArrayList<>();

  /** So many batches tell a queue how long one takes. */
  private static final int LEARNED = 8;

  private void learn() throws Exception {
    learn(queue);
  }

  /** The queue knows then that a batch of weight 10 takes 40 ms. */
  private void learn(BatchingQueue<String, String, String> learning) throws Exception {
    for (int i = 0; i < LEARNED; i++) {
      var one = submit(learning, Lane.INTERACTIVE, group("learned", 10, "1"));
      engine.awaitBatch();
      nanos.addAndGet(BATCH.toNanos());
      engine.release(1);
      join(List.of(one));
    }
  }

  private void hold() throws Exception {
    all.add(submit(queue, Lane.INTERACTIVE, group("held", 10, "1")));
    engine.awaitBatch();
  }

  private void waits(Lane lane, String key) {
    all.add(submit(queue, lane, group(key, 10, "1")));
  }

  private CompletableFuture<Batched<String>> within(Lane lane, long millis) {
    return queue
        .submit(List.of(group("asked", 10, "1")), lane, Duration.ofMillis(millis))
        .getFirst();
  }

  private void letAllGo() throws Exception {
    engine.release(100);
    join(all);
  }

  @Test
  void whatCannotBeDoneInTimeIsRefusedAndWhatCanIsTaken() throws Exception {
    learn();
    hold();
    waits(Lane.INTERACTIVE, "a");
    waits(Lane.INTERACTIVE, "b");

    // two batches before it and its own: 120 ms
    assertThat(queue.expectedWait(Lane.INTERACTIVE)).isEqualTo(BATCH.multipliedBy(2));
    assertThatThrownBy(() -> within(Lane.INTERACTIVE, 119))
        .isInstanceOfSatisfying(
            MeshException.class,
            e -> {
              assertThat(e.fault()).isEqualTo(Fault.OVERLOADED);
              assertThat(e.metadata())
                  .containsEntry(MeshException.SHED, "queue_time")
                  .containsEntry(MeshException.RETRY_DELAY, "PT0.001S");
            })
        .hasMessage(
            "tests 1 is busy: work waits some 80 ms for its turn, the caller 119 ms for its answer;"
                + " nothing was done");
    assertThat(queue.waitingWeight()).isEqualTo(20);
    all.add(within(Lane.INTERACTIVE, 120));
    letAllGo();
    assertThat(engine.keys()).hasSize(LEARNED + 4).last().isEqualTo(List.of("asked"));
  }

  @Test
  void onlyWhatGoesBeforeItsLaneCounts() throws Exception {
    learn();
    hold();
    waits(Lane.BATCH, "a");
    waits(Lane.BATCH, "b");
    waits(Lane.TRAINER, "c");

    assertThat(queue.expectedWait(Lane.INTERACTIVE)).isZero();
    assertThat(queue.expectedWait(Lane.TRAINER)).isEqualTo(BATCH);
    assertThat(queue.expectedWait(Lane.BATCH)).isEqualTo(BATCH.multipliedBy(3));
    all.add(within(Lane.INTERACTIVE, 1));
    assertThatThrownBy(() -> within(Lane.BATCH, 100)).isInstanceOf(MeshException.class);
    letAllGo();
  }

  @Test
  void whatFindsNothingBeforeItIsTakenHoweverSlowTheEngineWas() throws Exception {
    learn();
    hold();

    all.add(within(Lane.INTERACTIVE, 1));
    letAllGo();
  }

  @Test
  void nothingIsRefusedWhileNothingIsKnown() throws Exception {
    hold();
    waits(Lane.INTERACTIVE, "a");

    all.add(within(Lane.INTERACTIVE, 1));
    letAllGo();
  }

  @Test
  void whoLeavesMakesRoomAndItsWorkNeverReachesTheEngine() throws Exception {
    learn();
    hold();
    waits(Lane.INTERACTIVE, "leaves");
    all.getLast().complete(Batched.refused(1, "CANCELLED", Duration.ZERO));
    queue.forgetAnswered();

    assertThat(queue.expectedWait(Lane.INTERACTIVE)).isZero();
    all.add(within(Lane.INTERACTIVE, 1));
    letAllGo();
    assertThat(engine.keys()).hasSize(LEARNED + 2).endsWith(List.of("held"), List.of("asked"));
  }

  @Test
  void aBatchThatEverybodyLeftSaysNothingOfTheEngine() throws Exception {
    for (int i = 0; i < LEARNED; i++) {
      var left = submit(queue, Lane.INTERACTIVE, group("left", 10, "1"));
      engine.awaitBatch();
      nanos.addAndGet(BATCH.toNanos());
      left.complete(Batched.refused(1, "CANCELLED", Duration.ZERO));
      engine.release(1);
    }
    hold();
    waits(Lane.INTERACTIVE, "a");

    assertThat(queue.expectedWait(Lane.INTERACTIVE)).isZero();
    letAllGo();
  }

  @Test
  void aFullQueueSaysWhenThereIsRoom() throws Exception {
    BatchingQueue<String, String, String> small = queue(10, Duration.ZERO, 20);
    learn(small);
    all.add(submit(small, Lane.INTERACTIVE, group("held", 10, "1")));
    engine.awaitBatch();
    all.add(submit(small, Lane.INTERACTIVE, group("a", 10, "1")));
    all.add(submit(small, Lane.INTERACTIVE, group("b", 10, "1")));

    assertThatThrownBy(() -> submit(small, Lane.INTERACTIVE, group("c", 10, "1")))
        .isInstanceOfSatisfying(
            MeshException.class,
            e ->
                assertThat(e.metadata())
                    .containsEntry(MeshException.SHED, "queue_full")
                    .containsEntry(MeshException.RETRY_DELAY, "PT0.04S"));
    letAllGo();
  }

  @Test
  void aCallIsToldHowLongItsWorkWaitedOrWouldHave() throws Exception {
    learn();
    hold();
    waits(Lane.INTERACTIVE, "a");
    List<Duration> waits = new ArrayList<>();
    BatchedAnswers batched = new BatchedAnswers(Duration.ofMinutes(1), Duration.ZERO, nanos::get);

    assertThatThrownBy(
            () ->
                batched.ask(
                    queue,
                    List.of(group("late", 10, "1")),
                    Lane.INTERACTIVE,
                    caller(Duration.ofMillis(30), waits),
                    BatchingQueueCase::refusal))
        .isInstanceOf(MeshException.class);
    assertThat(waits).containsExactly(BATCH);
    letAllGo();
    Map<String, Batched<String>> idle =
        batched.ask(
            queue,
            List.of(group("idle", 10, "1")),
            Lane.INTERACTIVE,
            caller(Duration.ofMinutes(2), waits),
            BatchingQueueCase::refusal);
    assertThat(idle).containsKey("idle");
    assertThat(waits).containsExactly(BATCH, Duration.ZERO);
  }

  @Test
  void whatNobodyKnowsIsNotToldAsNoWait() throws Exception {
    BatchingQueue<String, String, String> small = queue(10, Duration.ZERO, 10);
    all.add(submit(small, Lane.INTERACTIVE, group("held", 10, "1")));
    engine.awaitBatch();
    all.add(submit(small, Lane.INTERACTIVE, group("a", 10, "1")));
    List<Duration> waits = new ArrayList<>();
    BatchedAnswers batched = new BatchedAnswers(Duration.ofMinutes(1), Duration.ZERO, nanos::get);

    assertThatThrownBy(
            () ->
                batched.ask(
                    small,
                    List.of(group("full", 10, "1")),
                    Lane.INTERACTIVE,
                    caller(Duration.ofMinutes(2), waits),
                    BatchingQueueCase::refusal))
        .hasMessage("tests 1 is busy: 10 tokens wait, limit 10");
    letAllGo();
    assertThatThrownBy(
            () ->
                batched.ask(
                    small,
                    List.of(group("lost", 10, "away")),
                    Lane.INTERACTIVE,
                    caller(Duration.ofMinutes(2), waits),
                    BatchingQueueCase::refusal))
        .isInstanceOfSatisfying(
            MeshException.class, e -> assertThat(e.fault()).isEqualTo(Fault.DEPENDENCY_DOWN));
    assertThat(waits).isEmpty();
  }

  @Test
  void whoIsCutOffWhileItsWorkRunsIsToldOfTheWaitForItsTurnAlone() throws Exception {
    hold();
    List<Duration> waits = new ArrayList<>();
    CompletableFuture<Void> end = new CompletableFuture<>();
    CompletableFuture<Batched<String>> cut = asked("cut", end, waits);
    nanos.addAndGet(Duration.ofMillis(30).toNanos());
    engine.release(1);
    engine.awaitBatch();
    nanos.addAndGet(Duration.ofMillis(500).toNanos());
    end.complete(null);

    Batched<String> refused = cut.get();
    assertThat(refused.results()).containsExactly("CANCELLED: the caller left");
    assertThat(refused.queue()).isEqualTo(Duration.ofMillis(30));
    assertThat(refused.infer()).isEqualTo(Duration.ofMillis(500));
    assertThat(waits).containsExactly(Duration.ofMillis(30));
    letAllGo();
  }

  @Test
  void whoIsCutOffBeforeItsTurnHasWaitedAllTheTime() throws Exception {
    hold();
    List<Duration> waits = new ArrayList<>();
    CompletableFuture<Void> end = new CompletableFuture<>();
    CompletableFuture<Batched<String>> cut = asked("cut", end, waits);
    nanos.addAndGet(Duration.ofMillis(30).toNanos());
    end.complete(null);

    assertThat(cut.get().queue()).isEqualTo(Duration.ofMillis(30));
    assertThat(waits).containsExactly(Duration.ofMillis(30));
    letAllGo();
  }

  /** A call that waits for its answer until {@code end}; it has begun to. */
  private CompletableFuture<Batched<String>> asked(
      String key, CompletableFuture<Void> end, List<Duration> waits) throws InterruptedException {
    BatchedAnswers batched = new BatchedAnswers(Duration.ofMinutes(1), Duration.ZERO, nanos::get);
    CountDownLatch waiting = new CountDownLatch(1);
    CallPatience patience =
        new CallPatience() {
          @Override
          public Optional<Duration> remaining() {
            return Optional.empty();
          }

          @Override
          public boolean cancelled() {
            return end.isDone();
          }

          @Override
          public void onCancel(Runnable action) {
            var unused = end.thenRun(action);
            waiting.countDown();
          }

          @Override
          public void waited(Duration queue) {
            waits.add(queue);
          }
        };
    CompletableFuture<Batched<String>> answer =
        CompletableFuture.supplyAsync(
            () ->
                batched
                    .ask(
                        queue,
                        List.of(group(key, 10, "1")),
                        Lane.INTERACTIVE,
                        patience,
                        BatchingQueueCase::refusal)
                    .values()
                    .iterator()
                    .next(),
            work -> Thread.ofVirtual().start(work));
    waiting.await();
    return answer;
  }

  private static CallPatience caller(Duration left, List<Duration> waits) {
    return new CallPatience() {
      @Override
      public Optional<Duration> remaining() {
        return Optional.of(left);
      }

      @Override
      public boolean cancelled() {
        return false;
      }

      @Override
      public void onCancel(Runnable action) {}

      @Override
      public void waited(Duration queue) {
        waits.add(queue);
      }
    };
  }
}
