package io.ballast.reward.core.training;

import io.ballast.kit.call.CallPatience;
import io.ballast.kit.call.ChangeSignal;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The trainings that are remembered, and who is told of them; beyond a restart, what the ledger
 * has. Thread-safe; one thread at a time changes a training. Whoever asks waits for no disk.
 */
public final class TrainingBook {
  private static final Logger LOG = LoggerFactory.getLogger(TrainingBook.class);
  private static final int OF_A_TENANT = 200;
  private static final int IN_ALL = 2_000;
  private static final Duration LOOK_AGAIN = Duration.ofSeconds(1);

  private final TrainingLedger ledger;
  private final ChangeSignal changes = new ChangeSignal();
  private final Map<UUID, Training> trainings = new LinkedHashMap<>(); // under this, oldest first

  /** A book that remembers what the ledger has. */
  public TrainingBook(TrainingLedger ledger) {
    this.ledger = ledger;
    ledger.all().forEach(training -> trainings.put(training.id(), training));
  }

  /**
   * A training of {@code tenant}.
   *
   * @throws MeshException UNKNOWN_RESOURCE if there is none
   */
  public synchronized Training get(String tenant, UUID id) {
    Training training = trainings.get(id);
    if (training == null || !training.tenant().equals(tenant)) {
      throw new MeshException(
          Fault.UNKNOWN_RESOURCE, "no training " + id, Map.of("training_id", id.toString()));
    }
    return training;
  }

  /** The trainings of {@code tenant}, the newest first. */
  public synchronized List<Training> list(String tenant) {
    return trainings.values().stream()
        .filter(training -> training.tenant().equals(tenant))
        .toList()
        .reversed();
  }

  /**
   * Gives a training to {@code sink}, now and whenever it has changed, until it has ended or nobody
   * listens. Changes that come while the sink is busy are told as one. What the sink throws ends
   * this watch, and nothing else.
   */
  public void watch(String tenant, UUID id, Consumer<Training> sink, CallPatience patience) {
    patience.onCancel(changes::wake);
    Training told = null;
    while (!patience.cancelled()) {
      long seen = changes.count();
      Training now = get(tenant, id);
      if (!now.equals(told)) {
        sink.accept(now);
        told = now;
      }
      if (now.hasEnded()) {
        return;
      }
      patience.idle(() -> changes.await(seen, LOOK_AGAIN, patience::cancelled));
    }
  }

  /** The training that {@code key} of {@code tenant} has begun, if any. */
  synchronized Optional<Training> byKey(String tenant, String key) {
    return trainings.values().stream()
        .filter(training -> training.tenant().equals(tenant) && training.key().equals(key))
        .findFirst();
  }

  /** Those that have not ended, the oldest first. */
  synchronized List<Training> running() {
    return trainings.values().stream().filter(training -> !training.hasEnded()).toList();
  }

  /** Those that have, the oldest first. */
  synchronized List<Training> ended() {
    return trainings.values().stream().filter(Training::hasEnded).toList();
  }

  /** A training that is remembered, whose ever it is. */
  synchronized Training known(UUID id) {
    Training training = trainings.get(id);
    if (training == null) {
      throw new IllegalStateException("training " + id + " is not remembered");
    }
    return training;
  }

  /**
   * Remembers a training that begins, and forgets the oldest of its tenant; where there are too
   * many of all tenants together, the oldest of whoever has most.
   *
   * @throws MeshException if its record cannot be kept; then it is not remembered
   */
  void begin(Training training) {
    ledger.save(training);
    show(training);
    removeOldest(training.tenant()).forEach(ledger::forget);
  }

  private synchronized List<UUID> removeOldest(String tenant) {
    List<Training> own = list(tenant).reversed();
    List<UUID> oldest =
        new ArrayList<>(
            own.stream()
                .filter(Training::hasEnded)
                .limit(Math.max(0, own.size() - OF_A_TENANT))
                .map(Training::id)
                .toList());
    oldest.forEach(trainings::remove);
    while (trainings.size() > IN_ALL) {
      Optional<UUID> next = oldestOfMost();
      if (next.isEmpty()) {
        break; // all of them run
      }
      trainings.remove(next.get());
      oldest.add(next.get());
    }
    return oldest;
  }

  /** The oldest that has ended of the tenant that has most of those; empty: none has. */
  private synchronized Optional<UUID> oldestOfMost() {
    Map<String, Long> counts =
        ended().stream().collect(Collectors.groupingBy(Training::tenant, Collectors.counting()));
    long most = counts.values().stream().mapToLong(Long::longValue).max().orElse(0);
    return ended().stream()
        .filter(training -> counts.getOrDefault(training.tenant(), 0L) == most)
        .map(Training::id)
        .findFirst();
  }

  /** Takes a training in the place of what was known of it, as long as the process lives. */
  synchronized void show(Training training) {
    trainings.put(training.id(), training);
    changes.announce();
  }

  /** Takes a training in the place of what was known of it; if it can be, beyond a restart. */
  void keep(Training training) {
    try {
      ledger.save(training);
    } catch (MeshException e) { // a restart finds the one before, and what is published
      if (Thread.currentThread().isInterrupted()) { // it is to end, and its end is kept
        LOG.debug("the record of training {} waits for its end: {}", training.id(), e.getMessage());
      } else {
        LOG.error("the record of training {} cannot be kept: {}", training.id(), e.getMessage());
      }
    }
    show(training);
  }
}
