package io.ballast.kit.batching;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.kit.call.CallPatience;
import io.ballast.kit.call.Lane;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;

/** A queue makes batches of what many callers ask, the urgent first. */
class BatchingQueueTest extends BatchingQueueCase {
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
}
