package io.ballast.kit.kserve.grpc;

import io.ballast.kit.call.PinnedVersion;
import io.ballast.kit.kserve.InferenceTimes;
import io.ballast.kserve.v2.InferBatchStatistics;
import io.ballast.kserve.v2.InferStatistics;
import io.ballast.kserve.v2.ModelStatistics;
import io.ballast.kserve.v2.StatisticDuration;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * How often each version was asked by KServe clients since the process started, and where the time
 * went. A request counts as one execution of its own size, though the model's queue may have run it
 * together with others. Versions come and go for as long as the process lives, so those that were
 * not asked for longest are forgotten beyond {@value #MOST}, and count from zero again.
 * Thread-safe.
 */
final class InferenceCounts {
  static final int MOST = 1_024;

  /** The one asked last comes last. */
  private final Map<Name, Counts> counts =
      Collections.synchronizedMap(
          new LinkedHashMap<>(16, 0.75f, true) {
            @Override
            protected boolean removeEldestEntry(Map.Entry<Name, Counts> eldest) {
              return size() > MOST;
            }
          });

  /** A version that was asked. */
  record Name(String model, String version) {}

  /** One request was answered. */
  void succeeded(PinnedVersion id, int batchSize, InferenceTimes times, long nanos, long atMillis) {
    of(id).succeeded(batchSize, times, nanos, atMillis);
  }

  /** One request failed. */
  void failed(PinnedVersion id, long nanos, long atMillis) {
    of(id).failed(nanos, atMillis);
  }

  private Counts of(PinnedVersion id) {
    return counts.computeIfAbsent(new Name(id.model(), id.version()), unseen -> new Counts());
  }

  /** The versions that were asked, in order. */
  List<Name> names() {
    List<Name> names;
    synchronized (counts) {
      names = new ArrayList<>(counts.keySet());
    }
    names.sort(Comparator.comparing(Name::model).thenComparing(Name::version));
    return names;
  }

  /** What is known of a version; zeros if it was never asked. */
  ModelStatistics statistics(Name name) {
    Counts asked = counts.get(name);
    return (asked == null ? new Counts() : asked)
        .message()
        .setName(name.model())
        .setVersion(name.version())
        .build();
  }

  /** A count and a time, as the wire has them. */
  private static final class Sum {
    private long count;
    private long nanos;

    void add(Duration duration) {
      count++;
      nanos += duration.toNanos();
    }

    StatisticDuration message() {
      return StatisticDuration.newBuilder().setCount(count).setNs(nanos).build();
    }
  }

  /** Of executions of one batch size. */
  private static final class BatchSums {
    private final Sum input = new Sum();
    private final Sum infer = new Sum();
    private final Sum output = new Sum();
  }

  private static final class Counts {
    private final Sum success = new Sum();
    private final Sum fail = new Sum();
    private final Sum queue = new Sum();
    private final Map<Integer, BatchSums> batches = new TreeMap<>();
    private long inferences;
    private long lastMillis;

    synchronized void succeeded(int batchSize, InferenceTimes times, long nanos, long atMillis) {
      success.add(Duration.ofNanos(nanos));
      queue.add(times.queue());
      BatchSums batch = batches.computeIfAbsent(batchSize, unseen -> new BatchSums());
      batch.input.add(times.input());
      batch.infer.add(times.infer());
      batch.output.add(times.output());
      inferences += batchSize;
      lastMillis = Math.max(lastMillis, atMillis);
    }

    synchronized void failed(long nanos, long atMillis) {
      fail.add(Duration.ofNanos(nanos));
      lastMillis = Math.max(lastMillis, atMillis);
    }

    synchronized ModelStatistics.Builder message() {
      ModelStatistics.Builder message =
          ModelStatistics.newBuilder()
              .setLastInference(lastMillis)
              .setInferenceCount(inferences)
              .setExecutionCount(success.count);
      Sum input = new Sum();
      Sum infer = new Sum();
      Sum output = new Sum();
      batches.forEach(
          (size, batch) -> {
            plus(input, batch.input);
            plus(infer, batch.infer);
            plus(output, batch.output);
            message.addBatchStats(
                InferBatchStatistics.newBuilder()
                    .setBatchSize(size)
                    .setComputeInput(batch.input.message())
                    .setComputeInfer(batch.infer.message())
                    .setComputeOutput(batch.output.message()));
          });
      return message.setInferenceStats(
          InferStatistics.newBuilder()
              .setSuccess(success.message())
              .setFail(fail.message())
              .setQueue(queue.message())
              .setComputeInput(input.message())
              .setComputeInfer(infer.message())
              .setComputeOutput(output.message()));
    }

    private static void plus(Sum total, Sum part) {
      total.count += part.count;
      total.nanos += part.nanos;
    }
  }
}
