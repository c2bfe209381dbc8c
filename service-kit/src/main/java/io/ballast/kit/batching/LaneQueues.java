package io.ballast.kit.batching;

import io.ballast.kit.call.Lane;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;

/**
 * The queue of each lane before one engine. An engine of this process has one for all, where the
 * more urgent lane goes first. One that runs elsewhere and sorts lanes there has one for each, so
 * that urgent work does not wait for a batch that is under way.
 */
public final class LaneQueues<K, I, R> implements AutoCloseable {
  private final Map<Lane, BatchingQueue<K, I, R>> queues = new EnumMap<>(Lane.class);

  private LaneQueues(Function<Lane, BatchingQueue<K, I, R>> queue) {
    Arrays.stream(Lane.values()).forEach(lane -> queues.put(lane, queue.apply(lane)));
  }

  /** One queue for all lanes; closed with this. */
  public static <K, I, R> LaneQueues<K, I, R> shared(BatchingQueue<K, I, R> queue) {
    return new LaneQueues<>(lane -> queue);
  }

  /**
   * A queue for each lane; closed with this.
   *
   * @param queue makes that of a lane
   */
  public static <K, I, R> LaneQueues<K, I, R> apart(Function<Lane, BatchingQueue<K, I, R>> queue) {
    return new LaneQueues<>(queue);
  }

  /** The queue of a lane's work. */
  public BatchingQueue<K, I, R> of(Lane lane) {
    return Objects.requireNonNull(queues.get(lane));
  }

  /** The work that waits for a worker, of all lanes. */
  public int waitingWeight() {
    return queues.values().stream().distinct().mapToInt(BatchingQueue::waitingWeight).sum();
  }

  /** Closes the queues, and with them the engine. */
  @Override
  public void close() {
    queues.values().stream().distinct().forEach(BatchingQueue::close);
  }
}
