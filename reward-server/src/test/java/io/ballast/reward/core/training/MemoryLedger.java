package io.ballast.reward.core.training;

import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentSkipListMap;

/**
 * Remembers trainings as long as the test runs, in the order of their ids; it can be full, and do
 * what a test sets while it saves.
 */
final class MemoryLedger implements TrainingLedger {
  final Map<UUID, Training> records = new ConcurrentSkipListMap<>();
  volatile boolean full;
  volatile Runnable saving = () -> {};

  @Override
  public List<Training> all() {
    return List.copyOf(records.values());
  }

  @Override
  public void save(Training training) {
    saving.run();
    if (full) {
      throw new MeshException(Fault.OVERLOADED, "the ledger is full");
    }
    records.put(training.id(), training);
  }

  @Override
  public void forget(UUID id) {
    records.remove(id);
  }
}
