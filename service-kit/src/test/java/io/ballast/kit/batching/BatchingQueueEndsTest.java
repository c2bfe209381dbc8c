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
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** What fails, leaves or comes too late ends alone; what closes answers everybody. */
class BatchingQueueEndsTest extends BatchingQueueCase {
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
                          BatchingQueueCase::refusal));
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
                          BatchingQueueCase::refusal));
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
                BatchingQueueCase::refusal);

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
  void aQueueThatIsFullOfLessUrgentWorkStillTakesAPersons() throws Exception {
    BatchingQueue<String, String, String> queue = queue(10, Duration.ZERO, 4);
    List<CompletableFuture<Batched<String>>> all = new ArrayList<>();
    all.add(submit(queue, Lane.BATCH, group("held", 1, "1")));
    engine.awaitBatch();
    all.add(submit(queue, Lane.BATCH, group("batch", 4, "1")));

    assertThatThrownBy(() -> submit(queue, Lane.BATCH, group("more", 1, "1")))
        .hasMessage("tests 1 is busy: 4 tokens wait, limit 4");
    all.add(submit(queue, Lane.TRAINER, group("trainer", 3, "1")));
    all.add(submit(queue, Lane.INTERACTIVE, group("person", 4, "1")));
    assertThatThrownBy(() -> submit(queue, Lane.INTERACTIVE, group("another", 1, "1")))
        .hasMessage("tests 1 is busy: 4 tokens wait, limit 4");
    assertThatThrownBy(() -> submit(queue, Lane.TRAINER, group("another", 1, "1")))
        .hasMessage("tests 1 is busy: 7 tokens wait, limit 4");
    engine.release(4);
    join(all);
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
