package io.ballast.kit.kserve;

import io.ballast.kit.call.ItemFault;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import java.util.Map;
import java.util.SortedMap;
import java.util.concurrent.CancellationException;

/** Makes the failure of a request of the failures of its items: KServe has no other place. */
public final class ItemFailures {
  private ItemFailures() {}

  /**
   * Returns what fails a request of which these items failed: the first one's message, which names
   * the item, and how many there are.
   *
   * @param faults at least one, by the item's place in the batch
   * @param items how many items there were
   * @throws CancellationException if the first one failed because the caller left
   */
  public static MeshException of(SortedMap<Integer, ItemFault> faults, int items) {
    ItemFault first = faults.firstEntry().getValue();
    String path = "batch[%d]".formatted(faults.firstKey());
    String message =
        first.message().startsWith(path) ? first.message() : path + ": " + first.message();
    Fault fault =
        switch (first.reason()) {
          case INVALID_INPUT, TOO_LONG -> Fault.MALFORMED_REQUEST;
          case OVERLOADED -> Fault.OVERLOADED;
          case DEADLINE -> Fault.TIMED_OUT;
          case MODEL_ERROR, QUORUM_LOST -> Fault.DEPENDENCY_BROKEN;
          case CANCELLED -> throw new CancellationException(first.message());
        };
    return new MeshException(
        fault,
        items == 1
            ? message
            : "%s; %,d of %,d items failed".formatted(message, faults.size(), items),
        Map.of("reason", first.reason().name(), "failed_items", Integer.toString(faults.size())));
  }
}
