package io.ballast.loadtest.bench;

import io.ballast.kit.grpc.PeerFaults;
import io.ballast.loadtest.openloop.Latencies;
import io.ballast.loadtest.openloop.Pacer;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;
import org.HdrHistogram.ConcurrentHistogram;

/**
 * Callers that each ask again as soon as they are answered: what a server can do at most; and one
 * that rests in between: what a call takes that is alone. One that is refused for load comes back
 * when it was told to, within the same call: rates and latencies have the time in between in them.
 */
final class ClosedLoop {
  /** One call. */
  @FunctionalInterface
  interface Call {
    /** Does the call of this index and returns how many items it was about. */
    long items(long index) throws Exception;
  }

  /**
   * What became of a closed loop.
   *
   * @param items that its calls were about
   * @param seconds from the first call's start to the last one's end
   * @param latency of the calls
   */
  record Load(long items, double seconds, Latencies latency) {
    double itemsPerSecond() {
      return items / seconds;
    }

    double callsPerSecond() {
      return latency.count() / seconds;
    }

    double millisAt(double percent) {
      return latency.nanosAt(percent) / 1e6;
    }
  }

  /** A server that has refused a call for so long refuses it for ever. */
  private static final Duration LONGEST_REFUSAL = Duration.ofSeconds(30);

  private ClosedLoop() {}

  /**
   * Items a second of {@code callers} that call for {@code duration}; each ends its last call.
   *
   * @param executor runs the callers; with fewer threads than callers, the others never start
   * @throws CompletionException if a call fails
   */
  static double itemsPerSecond(
      int callers, Duration duration, ExecutorService executor, LongSupplier nanoTime, Call call) {
    return load(callers, duration, executor, nanoTime, call).itemsPerSecond();
  }

  /**
   * The same of code that is compiled: once for the compilers, which does not count, and once more.
   */
  static double warmItemsPerSecond(int callers, Duration duration, Call call) {
    try (ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor()) {
      var unused = load(callers, duration, executor, System::nanoTime, call);
      return itemsPerSecond(callers, duration, executor, System::nanoTime, call);
    }
  }

  /** The same, with how long the calls took; parameters as of {@link #itemsPerSecond}. */
  static Load load(
      int callers, Duration duration, ExecutorService executor, LongSupplier nanoTime, Call call) {
    AtomicLong index = new AtomicLong();
    return loadOfEach(
        callers, duration, executor, nanoTime, caller -> call.items(index.getAndIncrement()));
  }

  /** The same, where {@code call} is told which caller it is, not which call. */
  static Load loadOfEach(
      int callers, Duration duration, ExecutorService executor, LongSupplier nanoTime, Call call) {
    ConcurrentHistogram latency = new ConcurrentHistogram(3);
    AtomicLong items = new AtomicLong();
    long start = nanoTime.getAsLong();
    long end = start + duration.toNanos();
    List<Future<?>> futures = new ArrayList<>();
    for (int i = 0; i < callers; i++) {
      long caller = i;
      futures.add(
          executor.submit(
              () -> {
                for (long begun = nanoTime.getAsLong(); begun < end; ) {
                  items.addAndGet(patiently(call, caller, nanoTime));
                  long ended = nanoTime.getAsLong();
                  latency.recordValue(Math.max(0, ended - begun));
                  begun = ended;
                }
                return null;
              }));
    }
    futures.forEach(ClosedLoop::ended);
    double seconds = (nanoTime.getAsLong() - start) / 1e9;
    return new Load(items.get(), seconds, new Latencies(latency));
  }

  /**
   * One caller that rests after each call: how long a call takes that comes seldom, to a server
   * that has done something else in between, or nothing. Rests count for nothing.
   *
   * @throws CompletionException if a call fails
   */
  static Latencies seldom(Duration duration, Duration rest, Pacer pacer, Call call) {
    ConcurrentHistogram latency = new ConcurrentHistogram(3);
    long end = pacer.nanoTime() + duration.toNanos();
    long begun = pacer.nanoTime();
    for (long index = 0; begun < end; index++) {
      try {
        var unused = patiently(call, index, pacer::nanoTime);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new CompletionException(e);
      } catch (Exception e) {
        throw new CompletionException(e);
      }
      long ended = pacer.nanoTime();
      latency.recordValue(Math.max(0, ended - begun));
      pacer.sleepUntil(ended + rest.toNanos());
      begun = pacer.nanoTime();
    }
    return new Latencies(latency);
  }

  private static long patiently(Call call, long index, LongSupplier nanoTime) throws Exception {
    long begun = nanoTime.getAsLong();
    while (true) {
      try {
        return call.items(index);
      } catch (StatusRuntimeException e) {
        if (e.getStatus().getCode() != Status.Code.RESOURCE_EXHAUSTED
            || nanoTime.getAsLong() - begun > LONGEST_REFUSAL.toNanos()) {
          throw e;
        }
        Thread.sleep(PeerFaults.retryDelay(e).orElseThrow(() -> e));
      }
    }
  }

  /**
   * Waits for a caller.
   *
   * @throws CompletionException if it failed
   */
  static <T> T ended(Future<T> caller) {
    try {
      return caller.get();
    } catch (ExecutionException e) {
      throw new CompletionException(e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new CompletionException(e);
    }
  }
}
