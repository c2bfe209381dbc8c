package io.ballast.kit.batching;

import io.ballast.kit.call.CallPatience;
import io.ballast.kit.call.ItemFault;
import io.ballast.kit.call.Lane;
import io.ballast.kit.error.MeshException;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import java.util.function.LongSupplier;

/**
 * Asks a queue on behalf of one call and waits as long as its caller does. What has not come by
 * then is answered with a typed refusal, and is not run.
 *
 * @param timeout how long an item may wait for its result
 * @param reserve how long before the caller's deadline the answer is given, whatever is there
 * @param nanoTime measures the wait
 */
public record BatchedAnswers(Duration timeout, Duration reserve, LongSupplier nanoTime) {
  /**
   * Returns an answer for each group, by its key; keys must differ.
   *
   * @param refusal makes a result of what kept an item from being answered
   * @throws MeshException OVERLOADED if the queue is full; what the engine threw if it could run
   *     nothing for some of the groups: all of them can be asked again
   */
  public <K, I, R> Map<K, Batched<R>> ask(
      BatchingQueue<K, I, R> queue,
      List<BatchGroup<K, I>> groups,
      Lane lane,
      CallPatience patience,
      Function<ItemFault, R> refusal) {
    if (groups.isEmpty()) {
      return Map.of();
    }
    List<CompletableFuture<Batched<R>>> answers = queue.submit(groups, lane);
    List<Integer> sizes = groups.stream().map(group -> group.items().size()).toList();
    if (settle(answers, sizes, patience, refusal)) {
      queue.forgetAnswered();
    }
    Map<K, Batched<R>> byKey = new LinkedHashMap<>();
    for (int g = 0; g < groups.size(); g++) {
      byKey.put(groups.get(g).key(), answered(answers.get(g)));
    }
    return byKey;
  }

  /**
   * Waits for answers as long as the caller does, and completes those that have not come by then
   * with refusals. When one ends with an exception, the others are not waited for.
   *
   * @param sizes how many items each has
   * @return whether there were such
   */
  <R> boolean settle(
      List<CompletableFuture<Batched<R>>> answers,
      List<Integer> sizes,
      CallPatience patience,
      Function<ItemFault, R> refusal) {
    long start = nanoTime.getAsLong();
    CompletableFuture<Void> left = new CompletableFuture<>();
    patience.onCancel(() -> left.complete(null));
    for (CompletableFuture<Batched<R>> answer : answers) {
      var unused = answer.exceptionally(fault -> nothingElseIsWaitedFor(left));
    }
    ItemFault why =
        await(CompletableFuture.allOf(answers.toArray(CompletableFuture[]::new)), left, patience);
    Duration waited = Duration.ofNanos(Math.max(0, nanoTime.getAsLong() - start));
    boolean someLate = false;
    for (int g = 0; g < answers.size(); g++) {
      someLate |=
          answers.get(g).complete(Batched.refused(sizes.get(g), refusal.apply(why), waited));
    }
    return someLate;
  }

  /** The call fails as a whole: the rest of its groups need not be run. */
  private static <R> Batched<R> nothingElseIsWaitedFor(CompletableFuture<Void> left) {
    left.complete(null);
    return new Batched<>(List.of(), Duration.ZERO, Duration.ZERO, Duration.ZERO);
  }

  /**
   * What came of a settled answer.
   *
   * @throws MeshException that it ended with
   */
  static <R> Batched<R> answered(CompletableFuture<Batched<R>> answer) {
    if (answer.isCompletedExceptionally() && answer.exceptionNow() instanceof MeshException fault) {
      throw fault;
    }
    return answer.join();
  }

  /** Waits as long as it may; returns what those that have not answered by then have met. */
  private ItemFault await(
      CompletableFuture<Void> all, CompletableFuture<Void> left, CallPatience patience) {
    Duration limit =
        patience
            .remaining()
            .map(remaining -> remaining.minus(reserve))
            .filter(remaining -> remaining.compareTo(timeout) < 0)
            .orElse(timeout);
    try {
      var unused =
          CompletableFuture.anyOf(all, left)
              .get(Math.max(0, limit.toNanos()), TimeUnit.NANOSECONDS);
    } catch (TimeoutException e) {
      return new ItemFault(
          ItemFault.Reason.DEADLINE,
          "no answer after %,d ms".formatted(Math.max(0, limit.toMillis())));
    } catch (ExecutionException e) {
      return new ItemFault(ItemFault.Reason.CANCELLED, "the engine runs nothing now");
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    return new ItemFault(ItemFault.Reason.CANCELLED, "the caller left");
  }
}
