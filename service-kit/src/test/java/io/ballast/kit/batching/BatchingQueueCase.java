package io.ballast.kit.batching;

import io.ballast.kit.call.ItemFault;
import io.ballast.kit.call.Lane;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Timeout;

/** Queues before an engine that is held, and what callers ask of them. */
@Timeout(value = 30, unit = TimeUnit.SECONDS)
abstract class BatchingQueueCase {
  /** Long enough that only a full batch or the end of the queue ends the wait. */
  static final Duration FOR_COMPANY = Duration.ofHours(1);

  final HeldEngine engine = new HeldEngine();
  final AtomicLong nanos = new AtomicLong();
  private final List<BatchingQueue<String, String, String>> opened = new ArrayList<>();

  @AfterEach
  void end() {
    engine.release(1_000);
    opened.forEach(BatchingQueue::close);
  }

  BatchingQueue<String, String, String> queue(
      int batchWeight, Duration batchWait, int queuedWeight) {
    return queue(engine, new QueueLimits(batchWeight, batchWait, queuedWeight, 1));
  }

  BatchingQueue<String, String, String> queue(
      BatchEngine<String, String, String> runs, QueueLimits limits) {
    BatchingQueue<String, String, String> queue =
        new BatchingQueue<>("tests 1", runs, BatchingQueueCase::refusal, limits, nanos::get);
    opened.add(queue);
    return queue;
  }

  static String refusal(ItemFault fault) {
    return fault.reason() + ": " + fault.message();
  }

  static BatchGroup<String, String> group(String key, int weight, String... items) {
    return new BatchGroup<>(key, List.of(items), weight);
  }

  static CompletableFuture<Batched<String>> submit(
      BatchingQueue<String, String, String> queue, Lane lane, BatchGroup<String, String> group) {
    return queue.submit(List.of(group), lane).getFirst();
  }

  static void join(List<CompletableFuture<Batched<String>>> answers)
      throws ExecutionException, InterruptedException {
    for (CompletableFuture<Batched<String>> answer : answers) {
      var unused = answer.get();
    }
  }
}
