package io.ballast.kit.batching;

import io.ballast.kit.call.CallPatience;
import io.ballast.kit.call.ItemFault;
import io.ballast.kit.call.Lane;
import io.ballast.kit.error.Fault;
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
   * @throws MeshException OVERLOADED if the queue is full, or would keep work longer than the
   *     caller waits; what the engine threw if it could run nothing for some of the groups: all of
   *     them can be asked again
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
    List<Pending<R>> answers = submit(queue, groups, lane, patience);
    List<Integer> sizes = groups.stream().map(group -> group.items().size()).toList();
    if (settle(answers, answers, sizes, patience, refusal)) {
      queue.forgetAnswered();
    }
    Map<K, Batched<R>> byKey = new LinkedHashMap<>();
    for (int g = 0; g < groups.size(); g++) {
      byKey.put(groups.get(g).key(), answered(answers.get(g)));
    }
    return byKey;
  }

  /** Queues groups for a caller, and says how long they would have waited if they are refused. */
  <K, I, R> List<Pending<R>> submit(
      BatchingQueue<K, I, R> queue,
      List<BatchGroup<K, I>> groups,
      Lane lane,
      CallPatience patience) {
    try {
      return queue.submit(groups, lane, limit(patience));
    } catch (MeshException e) {
      Duration expected = queue.expectedWait(lane);
      if (e.fault() == Fault.OVERLOADED && expected.isPositive()) { // else it is not known
        patience.waited(expected);
      }
      throw e;
    }
  }

  /**
   * Waits for answers as long as the caller does, and completes those that have not come by then
   * with refusals. When one ends with an exception, the others are not waited for.
   *
   * @param queued what each is of the queue, or was copied from
   * @param sizes how many items each has
   * @return whether there were such
   */
  <R> boolean settle(
      List<? extends CompletableFuture<Batched<R>>> answers,
      List<Pending<R>> queued,
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
    long now = nanoTime.getAsLong();
    Duration waited = Duration.ofNanos(Math.max(0, now - start));
    boolean someLate = false;
    for (int g = 0; g < answers.size(); g++) {
      someLate |=
          answers
              .get(g)
              .complete(queued.get(g).givenUp(sizes.get(g), refusal.apply(why), waited, now));
    }
    if (!answers.stream().allMatch(CompletableFuture::isCompletedExceptionally)) {
      patience.waited(longestWait(answers, waited));
    } // else nothing had a turn for which it could have waited
    return someLate;
  }

  /** How long what was asked for waited to be run; no longer than the call itself. */
  private static <R> Duration longestWait(
      List<? extends CompletableFuture<Batched<R>>> answers, Duration waited) {
    Duration longest = Duration.ZERO;
    for (CompletableFuture<Batched<R>> answer : answers) {
      if (!answer.isCompletedExceptionally() && answer.join().queue().compareTo(longest) > 0) {
        longest = answer.join().queue();
      }
    }
    return longest.compareTo(waited) < 0 ? longest : waited;
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

  private Duration limit(CallPatience patience) {
    return patience
        .remaining()
        .map(remaining -> remaining.minus(reserve))
        .filter(remaining -> remaining.compareTo(timeout) < 0)
        .orElse(timeout);
  }

  /** Waits as long as it may; returns what those that have not answered by then have met. */
  private ItemFault await(
      CompletableFuture<Void> all, CompletableFuture<Void> left, CallPatience patience) {
    Duration limit = limit(patience);
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
