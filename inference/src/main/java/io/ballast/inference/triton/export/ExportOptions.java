package io.ballast.inference.triton.export;

import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * How an exported model is to be served.
 *
 * @param backend what runs its graph
 * @param instances how many copies run side by side, and where
 * @param batching how requests of many callers become one execution
 * @param queue what waits, for how long, and in which order
 */
public record ExportOptions(Backend backend, Instances instances, Batching batching, Queue queue) {

  /** What runs a graph. Decoders run in Python whatever is said here: they have no graph. */
  public enum Backend {
    /** Triton's Python back end, with our model.py and the package onnxruntime. */
    PYTHON("python"),
    /** Triton's own ONNX Runtime back end, as the images for GPUs have it. */
    ONNXRUNTIME("onnxruntime");

    private final String code;

    Backend(String code) {
      this.code = code;
    }

    /** Its name in a config.pbtxt. */
    public String code() {
      return code;
    }
  }

  /** Where copies run. */
  public enum Device {
    /** On the CPU. */
    CPU,
    /** On each GPU. */
    GPU
  }

  /** What becomes of a request that waited too long. */
  public enum TimeoutAction {
    /** It is refused. */
    REJECT,
    /** It waits on, behind all that are in time. */
    DELAY
  }

  /**
   * Copies of a model.
   *
   * @param count ≥ 1; on GPUs, of each
   * @param threads of one execution on the CPU, ≥ 1
   */
  public record Instances(Device device, int count, int threads) {
    public Instances {
      requireAtLeast("instances", count, 1);
      requireAtLeast("threads", threads, 1);
    }
  }

  /**
   * Dynamic batching.
   *
   * @param maxRows of one execution, ≥ 1; of a decoder, that draw side by side
   * @param preferredRows sizes that are made if possible, 1 to {@code maxRows}; none: as large as
   *     possible
   * @param longestWait how long a request waits for others, ≥ 0, in whole microseconds
   */
  public record Batching(int maxRows, List<Integer> preferredRows, Duration longestWait) {
    public Batching {
      preferredRows = List.copyOf(preferredRows);
      requireAtLeast("max_batch", maxRows, 1);
      for (int i = 0; i < preferredRows.size(); i++) {
        int rows = preferredRows.get(i);
        if (rows < 1 || rows > maxRows) {
          throw new IllegalArgumentException(
              "preferred_batch[%d]: %,d (expected: 1 to max_batch, %,d)"
                  .formatted(i, rows, maxRows));
        }
      }
      if (longestWait.isNegative()) {
        throw new IllegalArgumentException("batch_delay: " + longestWait + " (expected: ≥ 0)");
      }
    }
  }

  /**
   * The queue before a model.
   *
   * @param maxRequests that wait, of each lane if there are lanes; empty: any number
   * @param timeout how long one may wait; empty: for ever
   * @param action what becomes of one that waited for longer
   * @param timeoutOverride whether a request's own {@code timeout} may shorten that
   * @param lanes whether there are three priorities: 1 interactive, 2 trainer, 3 batch
   */
  public record Queue(
      Optional<Integer> maxRequests,
      Optional<Duration> timeout,
      TimeoutAction action,
      boolean timeoutOverride,
      boolean lanes) {
    public Queue {
      maxRequests.ifPresent(most -> requireAtLeast("max_queue", most, 1));
      if (timeout.isPresent() && timeout.get().toNanos() < 1_000) {
        throw new IllegalArgumentException(
            "queue_timeout: " + timeout.get() + " (expected: ≥ 1 µs)");
      }
    }

    /** A queue without lanes, limits and timeouts: the only one that Triton never polls. */
    public static Queue plain() {
      return new Queue(Optional.empty(), Optional.empty(), TimeoutAction.REJECT, false, false);
    }

    /** Whether it is {@link #plain}. */
    boolean isPlain() {
      return equals(plain());
    }
  }

  /**
   * On the CPU, in Python: one instance of one thread, up to 32 rows, no wait for others; three
   * lanes of 64 requests, each of which may wait for 10 s.
   */
  public static ExportOptions defaults() {
    return new ExportOptions(
        Backend.PYTHON,
        new Instances(Device.CPU, 1, 1),
        new Batching(32, List.of(), Duration.ZERO),
        new Queue(
            Optional.of(64),
            Optional.of(Duration.ofSeconds(10)),
            TimeoutAction.REJECT,
            true,
            true));
  }

  /** Returns the same on another back end. */
  public ExportOptions with(Backend other) {
    return new ExportOptions(other, instances, batching, queue);
  }

  /** Returns the same with other copies. */
  public ExportOptions with(Instances other) {
    return new ExportOptions(backend, other, batching, queue);
  }

  /** Returns the same with other batches. */
  public ExportOptions with(Batching other) {
    return new ExportOptions(backend, instances, other, queue);
  }

  /** Returns the same with another queue. */
  public ExportOptions with(Queue other) {
    return new ExportOptions(backend, instances, batching, other);
  }

  private static void requireAtLeast(String name, int value, int least) {
    if (value < least) {
      throw new IllegalArgumentException(name + ": " + value + " (expected: ≥ " + least + ")");
    }
  }
}
