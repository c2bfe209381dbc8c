package io.ballast.kit.batching;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.kit.call.CallPatience;
import io.ballast.kit.call.ItemFault;
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
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A queue makes batches of what many callers ask, and keeps them from harming one another. */
@Timeout(value = 30, unit = TimeUnit.SECONDS)
class BatchingQueueTest {
  /** Long enough that only a full batch or the end of the queue ends the wait. */
  private static final Duration FOR_COMPANY = Duration.ofHours(1);

  private final HeldEngine engine = new HeldEngine();
  private final AtomicLong nanos = new AtomicLong();
  private final List<BatchingQueue<String, String, String>> opened = new ArrayList<>();

  @AfterEach
  void end() {
    engine.release(1_000);
    opened.forEach(BatchingQueue::close);
  }

  @Test
  void anIdleWorkerTakesWhatCameFirstAndThenAllThatCameMeanwhile() throws Exception {
    BatchingQueue<String, String, String> queue = queue(10, Duration.ZERO, 100);
    var first = submit(queue, Lane.INTERACTIVE, group("a", 1, "1"));
    engine.awaitBatch();
    var second = submit(queue, Lane.INTERACTIVE, group("b", 1, "1"));
    var third = submit(queue, Lane.INTERACTIVE, group("c", 1, "1", "2"));
    engine.release(2);

    assertThat(first.get().results()).containsExactly("a:1");
    assertThat(second.get().results()).containsExactly("b:1");
    assertThat(third.get().results()).containsExactly("c:1", "c:2");
    assertThat(engine.keys()).containsExactly(List.of("a"), List.of("b", "c"));
  }

  @Test
  void urgentWorkOvertakesAndEachLaneKeepsItsOrder() throws Exception {
    BatchingQueue<String, String, String> queue = queue(1, Duration.ZERO, 100);
    var held = submit(queue, Lane.BATCH, group("held", 1, "1"));
    engine.awaitBatch();
    List<CompletableFuture<Batched<String>>> all = new ArrayList<>(List.of(held));
    all.add(submit(queue, Lane.BATCH, group("batch", 1, "1")));
    all.add(submit(queue, Lane.TRAINER, group("trainer 1", 1, "1")));
    all.add(submit(queue, Lane.TRAINER, group("trainer 2", 1, "1")));
    all.add(submit(queue, Lane.INTERACTIVE, group("person", 1, "1")));
    engine.release(5);
    join(all);

    assertThat(engine.keys())
        .containsExactly(
            List.of("held"),
            List.of("person"),
            List.of("trainer 1"),
            List.of("trainer 2"),
            List.of("batch"));
  }

  @Test
  void aPersonsBatchIsNotFilledUpWithLessUrgentWork() throws Exception {
    BatchingQueue<String, String, String> queue = queue(10, Duration.ZERO, 100);
    List<CompletableFuture<Batched<String>>> all = new ArrayList<>();
    all.add(submit(queue, Lane.BATCH, group("held", 1, "1")));
    engine.awaitBatch();
    all.add(submit(queue, Lane.BATCH, group("batch", 1, "1")));
    all.add(submit(queue, Lane.TRAINER, group("trainer", 1, "1")));
    all.add(submit(queue, Lane.INTERACTIVE, group("person", 1, "1")));
    engine.release(3);
    join(all);

    assertThat(engine.keys())
        .containsExactly(List.of("held"), List.of("person"), List.of("trainer", "batch"));
  }

  @Test
  void aPersonDoesNotWaitForWorkUnderWayButNoMoreRunThanThereAreWorkers() throws Exception {
    BatchingQueue<String, String, String> queue =
        queue(engine, new QueueLimits(1, Duration.ZERO, 100, 1, 2));
    List<CompletableFuture<Batched<String>>> all = new ArrayList<>();
    all.add(submit(queue, Lane.TRAINER, group("held", 1, "1")));
    engine.awaitBatch();
    all.add(submit(queue, Lane.TRAINER, group("trainer", 1, "1")));
    all.add(submit(queue, Lane.INTERACTIVE, group("person", 1, "1")));
    all.add(submit(queue, Lane.INTERACTIVE, group("another", 1, "1")));
    // nothing was released: the only worker still holds the trainer's first batch
    List<BatchGroup<String, String>> beside = engine.awaitBatch();

    assertThat(beside).containsExactly(group("person", 1, "1"));
    assertThat(engine.keys()).containsExactly(List.of("held"), List.of("person"));
    engine.release(4);
    join(all);
    assertThat(engine.keys())
        .containsExactlyInAnyOrder(
            List.of("held"), List.of("person"), List.of("another"), List.of("trainer"));
  }

  @Test
  void aPersonWhoLeftMakesNoRoomForLessUrgentWork() throws Exception {
    Hold first = new Hold("held");
    Hold second = new Hold("person");
    HoldingEngine holding = new HoldingEngine(List.of(first, second));
    BatchingQueue<String, String, String> queue =
        queue(holding, new QueueLimits(1, Duration.ZERO, 100, 1, 1));
    var held = submit(queue, Lane.TRAINER, group("held", 1, "1"));
    first.entered.await();
    var person = submit(queue, Lane.INTERACTIVE, group("person", 1, "1"));
    second.entered.await();
    var leaves = submit(queue, Lane.INTERACTIVE, group("leaves", 1, "1"));
    var trainer = submit(queue, Lane.TRAINER, group("trainer", 1, "1"));
    leaves.complete(Batched.refused(1, "CANCELLED", Duration.ZERO));
    second.opened.countDown();
    join(List.of(person));
    while (queue.waitingWeight() == 2) { // until the person's worker has looked for more
      Thread.onSpinWait();
    }

    assertThat(queue.waitingWeight()).as("the trainer's waits for the worker of all").isEqualTo(1);
    first.opened.countDown();
    join(List.of(held, trainer));
  }

  /** A key whose batch stays in the engine until it is opened. */
  private static final class Hold {
    private final String key;
    private final CountDownLatch entered = new CountDownLatch(1);
    private final CountDownLatch opened = new CountDownLatch(1);

    private Hold(String key) {
      this.key = key;
    }
  }

  /** An engine that echoes its items, each key in its own time. */
  private record HoldingEngine(List<Hold> holds) implements BatchEngine<String, String, String> {
    @Override
    public List<List<String>> run(List<BatchGroup<String, String>> groups, CallPatience waiting) {
      for (Hold hold : holds) {
        if (groups.stream().anyMatch(group -> group.key().equals(hold.key))) {
          hold.entered.countDown();
          try {
            hold.opened.await();
          } catch (InterruptedException e) {
            throw new IllegalStateException(e);
          }
        }
      }
      return groups.stream().map(BatchGroup::items).toList();
    }

    @Override
    public void close() {}
  }

  @Test
  void aBatchHoldsWhatItsBudgetAllowsAndALargerGroupGoesAlone() throws Exception {
    BatchingQueue<String, String, String> queue = queue(5, Duration.ZERO, 100);
    List<CompletableFuture<Batched<String>>> all = new ArrayList<>();
    all.add(submit(queue, Lane.INTERACTIVE, group("held", 1, "1")));
    engine.awaitBatch();
    all.addAll(
        queue.submit(
            List.of(group("a", 2, "1"), group("b", 2, "1"), group("c", 2, "1"), group("d", 9, "1")),
            Lane.INTERACTIVE));
    all.add(submit(queue, Lane.INTERACTIVE, group("e", 1, "1")));
    engine.release(5);
    join(all);

    // 3 × 2 are more than the budget of 5; e is less like a than b is, and may stand beside c
    assertThat(engine.keys())
        .containsExactly(List.of("held"), List.of("a", "b"), List.of("c", "e"), List.of("d"));
  }

  @Test
  void equalKeysAreJoinedAndEachCallerGetsItsOwn() throws Exception {
    BatchingQueue<String, String, String> queue = queue(10, Duration.ZERO, 100);
    var held = submit(queue, Lane.INTERACTIVE, group("held", 1, "1"));
    engine.awaitBatch();
    var one = submit(queue, Lane.INTERACTIVE, group("same", 2, "1", "2"));
    var other = submit(queue, Lane.INTERACTIVE, group("other", 1, "3"));
    var two = submit(queue, Lane.INTERACTIVE, group("same", 2, "4"));
    engine.release(1);
    join(List.of(held));
    List<BatchGroup<String, String>> batch = engine.awaitBatch();
    engine.release(1);

    assertThat(batch)
        .containsExactly(
            new BatchGroup<>("same", List.of("1", "2", "4"), 4),
            new BatchGroup<>("other", List.of("3"), 1));
    assertThat(one.get().results()).containsExactly("same:1", "same:2");
    assertThat(other.get().results()).containsExactly("other:3");
    assertThat(two.get().results()).containsExactly("same:4");
  }

  @Test
  void theFirstWaitsForCompanyUntilTheBatchIsFull() throws Exception {
    BatchingQueue<String, String, String> queue = queue(4, FOR_COMPANY, 100);
    var first = submit(queue, Lane.INTERACTIVE, group("a", 2, "1"));
    var second = submit(queue, Lane.INTERACTIVE, group("b", 2, "1"));
    engine.release(1);
    join(List.of(first, second));

    assertThat(engine.keys()).containsExactly(List.of("a", "b"));
  }

  @Test
  void anErrorOfTheEngineEndsItsBatchAtOnce() throws Exception {
    BatchingQueue<String, String, String> queue = queue(10, Duration.ZERO, 100);
    var held = submit(queue, Lane.INTERACTIVE, group("held", 1, "1"));
    engine.awaitBatch();
    var one = submit(queue, Lane.INTERACTIVE, group("a", 1, "no memory"));
    var two = submit(queue, Lane.INTERACTIVE, group("b", 1, "1"));
    engine.release(2);
    join(List.of(held));

    assertThat(one.get().results()).containsExactly("MODEL_ERROR: tests 1 failed: no memory");
    assertThat(two.get().results()).containsExactly("MODEL_ERROR: tests 1 failed: no memory");
  }

  @Test
  void aGroupAtWhichTheEngineThrowsFailsAlone() throws Exception {
    BatchingQueue<String, String, String> queue = queue(10, Duration.ZERO, 100);
    var held = submit(queue, Lane.INTERACTIVE, group("held", 1, "1"));
    engine.awaitBatch();
    var good = submit(queue, Lane.INTERACTIVE, group("a", 1, "1"));
    var bad = submit(queue, Lane.INTERACTIVE, group("b", 1, "bad", "2"));
    var last = submit(queue, Lane.INTERACTIVE, group("c", 1, "1"));
    engine.release(5);
    join(List.of(held));

    assertThat(good.get().results()).containsExactly("a:1");
    assertThat(bad.get().results())
        .containsExactly(
            "MODEL_ERROR: tests 1 failed: it is bad", "MODEL_ERROR: tests 1 failed: it is bad");
    assertThat(last.get().results()).containsExactly("c:1");
    // the worker survives
    engine.release(1);
    assertThat(submit(queue, Lane.INTERACTIVE, group("d", 1, "1")).get().results())
        .containsExactly("d:1");
  }

  @Test
  void anEngineThatCanRunNothingFailsItsBatchAtOnceAndTheCallThatAsked() throws Exception {
    BatchingQueue<String, String, String> queue = queue(10, Duration.ZERO, 100);
    var held = submit(queue, Lane.INTERACTIVE, group("held", 1, "1"));
    engine.awaitBatch();
    var other = submit(queue, Lane.INTERACTIVE, group("a", 1, "1"));
    try (ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor()) {
      Future<?> call =
          executor.submit(
              () ->
                  new BatchedAnswers(Duration.ofMinutes(1), Duration.ZERO, nanos::get)
                      .ask(
                          queue,
                          List.of(group("b", 1, "away"), group("c", 20, "1")),
                          Lane.INTERACTIVE,
                          CallPatience.endless(),
                          BatchingQueueTest::refusal));
      while (queue.waitingWeight() < 22) {
        Thread.onSpinWait();
      }
      engine.release(2); // the batch of a and b; that of c is not waited for

      assertThatThrownBy(call::get)
          .cause()
          .isInstanceOfSatisfying(
              MeshException.class, e -> assertThat(e.fault()).isEqualTo(Fault.DEPENDENCY_DOWN))
          .hasMessage("the engine is away");
    }
    join(List.of(held));

    assertThat(other.exceptionNow()).hasMessage("the engine is away");
    engine.release(1);
    assertThat(engine.keys().subList(0, 2)).containsExactly(List.of("held"), List.of("a", "b"));
  }

  @Test
  void lanesApartDoNotWaitForOneAnother() throws Exception {
    LaneQueues<String, String, String> apart =
        LaneQueues.apart(lane -> queue(1, Duration.ZERO, 100));
    var flood = submit(apart.of(Lane.BATCH), Lane.BATCH, group("flood", 1, "1"));
    engine.awaitBatch();
    var waits = submit(apart.of(Lane.BATCH), Lane.BATCH, group("more", 1, "1"));
    var person = submit(apart.of(Lane.INTERACTIVE), Lane.INTERACTIVE, group("person", 1, "1"));

    assertThat(engine.awaitBatch()).extracting(BatchGroup::key).containsExactly("person");
    assertThat(apart.waitingWeight()).isEqualTo(1);
    engine.release(3);
    join(List.of(flood, waits, person));
  }

  @Test
  void lanesThatShareAQueueAreCountedOnce() throws Exception {
    LaneQueues<String, String, String> shared = LaneQueues.shared(queue(1, Duration.ZERO, 100));
    var held = submit(shared.of(Lane.BATCH), Lane.BATCH, group("held", 1, "1"));
    engine.awaitBatch();
    var waits = submit(shared.of(Lane.INTERACTIVE), Lane.INTERACTIVE, group("more", 3, "1"));

    assertThat(shared.waitingWeight()).isEqualTo(3);
    engine.release(2);
    join(List.of(held, waits));
    shared.close();
    assertThat(engine.closed()).isTrue();
  }

  @Test
  void theEngineHearsWhenTheLastCallerOfItsBatchHasLeft() throws Exception {
    BatchingQueue<String, String, String> queue = queue(10, Duration.ZERO, 100);
    var held = submit(queue, Lane.INTERACTIVE, group("held", 1, "1"));
    engine.awaitBatch();
    var one = submit(queue, Lane.INTERACTIVE, group("a", 1, "1"));
    var two = submit(queue, Lane.INTERACTIVE, group("a", 1, "2")); // joined with the other's
    var three = submit(queue, Lane.INTERACTIVE, group("b", 1, "1"));
    engine.release(1);
    engine.awaitBatch();
    AtomicInteger heard = new AtomicInteger();
    CallPatience callers = engine.callers();
    callers.onCancel(heard::incrementAndGet);

    one.complete(Batched.refused(1, "DEADLINE", Duration.ZERO));
    three.complete(Batched.refused(1, "DEADLINE", Duration.ZERO));
    assertThat(callers.cancelled()).as("one waits still").isFalse();
    assertThat(heard).hasValue(0);

    two.complete(Batched.refused(1, "CANCELLED", Duration.ZERO));
    assertThat(callers.cancelled()).isTrue();
    assertThat(heard).hasValue(1);
    callers.onCancel(heard::incrementAndGet);
    assertThat(heard).as("who asks later hears at once").hasValue(2);
    engine.release(1);
    join(List.of(held));
  }

  @Test
  void whoGetsAnAnswerHasNotLeft() throws Exception {
    BatchingQueue<String, String, String> queue = queue(10, Duration.ZERO, 100);
    var one = submit(queue, Lane.INTERACTIVE, group("a", 1, "1"));
    engine.awaitBatch();
    AtomicInteger heard = new AtomicInteger();
    CallPatience callers = engine.callers();
    callers.onCancel(heard::incrementAndGet);
    engine.release(1);

    assertThat(one.get().results()).containsExactly("a:1");
    queue.close(); // the worker has ended, and with it whatever follows upon an answer
    assertThat(callers.cancelled()).isFalse();
    assertThat(heard).hasValue(0);
    assertThat(callers.remaining()).isEmpty();
  }

  @Test
  void aCallThatFailsForOneOfItsBatchesLeavesTheOthers() throws Exception {
    BatchingQueue<String, String, String> queue =
        queue(engine, new QueueLimits(1, Duration.ZERO, 100, 2));
    try (ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor()) {
      Future<?> call =
          executor.submit(
              () ->
                  new BatchedAnswers(Duration.ofMinutes(1), Duration.ZERO, nanos::get)
                      .ask(
                          queue,
                          List.of(group("a", 1, "away"), group("b", 1, "away")),
                          Lane.INTERACTIVE,
                          CallPatience.endless(),
                          BatchingQueueTest::refusal));
      engine.awaitBatch();
      engine.awaitBatch(); // both are held at once
      CompletableFuture<Boolean> left = new CompletableFuture<>();
      engine.allCallers().forEach(callers -> callers.onCancel(() -> left.complete(true)));

      engine.release(1);

      assertThat(left.get()).isTrue();
      assertThatThrownBy(call::get).cause().hasMessage("the engine is away");
      engine.release(1);
    }
  }

  @Test
  void anEngineThatAnswersTooFewIsAModelErrorAndNotAHang() throws Exception {
    BatchEngine<String, String, String> forgetful =
        new BatchEngine<>() {
          @Override
          public List<List<String>> run(
              List<BatchGroup<String, String>> groups, CallPatience callers) {
            return List.of(List.of("one"));
          }

          @Override
          public void close() {}
        };
    BatchingQueue<String, String, String> queue =
        queue(forgetful, new QueueLimits(10, Duration.ZERO, 100, 1));

    assertThat(submit(queue, Lane.INTERACTIVE, group("a", 1, "1", "2")).get().results())
        .hasSize(2)
        .containsOnly("MODEL_ERROR: tests 1 failed: 1 results for 2 items (expected: one each)");
  }

  @Test
  void whatIsTooLateWhileItWaitsIsRefusedAndNeverRun() throws Exception {
    BatchingQueue<String, String, String> queue = queue(10, Duration.ZERO, 100);
    var held = submit(queue, Lane.INTERACTIVE, group("held", 1, "1"));
    engine.awaitBatch();

    Map<String, Batched<String>> late =
        new BatchedAnswers(Duration.ofMinutes(1), Duration.ofMillis(20), nanos::get)
            .ask(
                queue,
                List.of(group("late", 7, "1", "2")),
                Lane.INTERACTIVE,
                patience(Duration.ofMillis(20)), // the reserve leaves nothing
                BatchingQueueTest::refusal);

    assertThat(late.values().stream().flatMap(answer -> answer.results().stream()))
        .containsExactly("DEADLINE: no answer after 0 ms", "DEADLINE: no answer after 0 ms");
    assertThat(queue.waitingWeight()).isZero();
    engine.release(2);
    join(List.of(held, submit(queue, Lane.INTERACTIVE, group("next", 1, "1"))));
    assertThat(engine.keys()).containsExactly(List.of("held"), List.of("next"));
  }

  @Test
  void aFullQueueRefusesAtOnceButTakesOneGroupOfAnySizeWhenEmpty() throws Exception {
    BatchingQueue<String, String, String> queue = queue(10, Duration.ZERO, 4);
    List<CompletableFuture<Batched<String>>> all = new ArrayList<>();
    all.add(submit(queue, Lane.INTERACTIVE, group("held", 1, "1")));
    engine.awaitBatch();
    all.add(submit(queue, Lane.INTERACTIVE, group("large", 9, "1")));

    assertThat(queue.waitingWeight()).isEqualTo(9);
    assertThatThrownBy(() -> submit(queue, Lane.INTERACTIVE, group("more", 1, "1")))
        .isInstanceOfSatisfying(
            MeshException.class, e -> assertThat(e.fault()).isEqualTo(Fault.OVERLOADED))
        .hasMessage("tests 1 is busy: 9 tokens wait, limit 4");
    engine.release(2);
    join(all);
    assertThat(queue.waitingWeight()).isZero();
  }

  @Test
  void workersRunSideBySide() throws Exception {
    BatchingQueue<String, String, String> queue =
        queue(engine, new QueueLimits(1, Duration.ZERO, 100, 2));
    var one = submit(queue, Lane.INTERACTIVE, group("a", 1, "1"));
    var two = submit(queue, Lane.INTERACTIVE, group("b", 1, "1"));
    engine.awaitBatch();
    engine.awaitBatch(); // both are held at once
    engine.release(2);
    join(List.of(one, two));
  }

  @Test
  void anAnswerSaysWhereItsTimeWent() throws Exception {
    BatchingQueue<String, String, String> queue = queue(10, Duration.ZERO, 100);
    nanos.set(1_000);
    var answer = submit(queue, Lane.INTERACTIVE, group("a", 1, "1"));
    engine.awaitBatch();
    var waited = submit(queue, Lane.INTERACTIVE, group("b", 1, "1")); // arrives at 1,000 too
    nanos.set(5_000);
    engine.release(1);
    join(List.of(answer));
    engine.awaitBatch();
    nanos.set(8_000);
    engine.release(1);

    assertThat(answer.get())
        .isEqualTo(
            new Batched<>(List.of("a:1"), Duration.ZERO, Duration.ZERO, Duration.ofNanos(4_000)));
    assertThat(waited.get())
        .isEqualTo(
            new Batched<>(
                List.of("b:1"), Duration.ofNanos(4_000), Duration.ZERO, Duration.ofNanos(3_000)));
  }

  @Test
  void closingEndsTheBatchUnderWayAndRefusesTheRest() throws Exception {
    BatchingQueue<String, String, String> queue = queue(1, Duration.ZERO, 100);
    var running = submit(queue, Lane.INTERACTIVE, group("a", 1, "1"));
    engine.awaitBatch();
    var waiting = submit(queue, Lane.INTERACTIVE, group("b", 1, "1"));
    try (ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor()) {
      Future<?> closing = executor.submit(queue::close);
      // it is answered while the batch under way is still held: nobody waits for the drain
      assertThat(waiting.get().results()).containsExactly("CANCELLED: the server is stopping");
      assertThat(engine.closed()).isFalse();
      assertThatThrownBy(() -> submit(queue, Lane.INTERACTIVE, group("c", 1, "1")))
          .isInstanceOfSatisfying(
              MeshException.class, e -> assertThat(e.fault()).isEqualTo(Fault.MODEL_LOADING));
      engine.release(1);
      closing.get();
    }

    assertThat(running.get().results()).containsExactly("a:1");
    assertThat(engine.closed()).isTrue();
    assertThat(engine.keys()).containsExactly(List.of("a"));
  }

  @Test
  void closingEndsTheWaitForCompany() throws Exception {
    BatchingQueue<String, String, String> queue = queue(10, FOR_COMPANY, 100);
    var alone = submit(queue, Lane.INTERACTIVE, group("a", 1, "1"));
    queue.close();

    assertThat(alone.get().results()).containsExactly("CANCELLED: the server is stopping");
    assertThat(engine.closed()).isTrue();
  }

  private BatchingQueue<String, String, String> queue(
      int batchWeight, Duration batchWait, int queuedWeight) {
    return queue(engine, new QueueLimits(batchWeight, batchWait, queuedWeight, 1));
  }

  private BatchingQueue<String, String, String> queue(
      BatchEngine<String, String, String> runs, QueueLimits limits) {
    BatchingQueue<String, String, String> queue =
        new BatchingQueue<>("tests 1", runs, BatchingQueueTest::refusal, limits, nanos::get);
    opened.add(queue);
    return queue;
  }

  private static String refusal(ItemFault fault) {
    return fault.reason() + ": " + fault.message();
  }

  private static BatchGroup<String, String> group(String key, int weight, String... items) {
    return new BatchGroup<>(key, List.of(items), weight);
  }

  private static CompletableFuture<Batched<String>> submit(
      BatchingQueue<String, String, String> queue, Lane lane, BatchGroup<String, String> group) {
    return queue.submit(List.of(group), lane).getFirst();
  }

  private static void join(List<CompletableFuture<Batched<String>>> answers)
      throws ExecutionException, InterruptedException {
    for (CompletableFuture<Batched<String>> answer : answers) {
      var unused = answer.get();
    }
  }

  private static CallPatience patience(Duration remaining) {
    return new CallPatience() {
      @Override
      public Optional<Duration> remaining() {
        return Optional.of(remaining);
      }

      @Override
      public boolean cancelled() {
        return false;
      }

      @Override
      public void onCancel(Runnable action) {}
    };
  }
}
