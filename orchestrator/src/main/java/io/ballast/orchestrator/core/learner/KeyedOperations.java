package io.ballast.orchestrator.core.learner;

import io.ballast.orchestrator.core.Faults;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The operations of one session, by id and by idempotency key: all that can be waiting and the last
 * {@value #REMEMBERED} that have ended; older ones are forgotten, for each keeps what it found. Not
 * safe for use by many threads: its session guards it.
 */
final class KeyedOperations {
  private static final int REMEMBERED = 128;

  private record Keyed(String fingerprint, Operation<OperationResult> operation) {}

  private final Map<String, Operation<OperationResult>> byId;
  private final Map<String, Keyed> byKey;

  /**
   * @param maxWaiting operations that can be waiting at a time
   */
  KeyedOperations(int maxWaiting) {
    byId = new Bounded<>(REMEMBERED + maxWaiting + 1);
    byKey = new Bounded<>(REMEMBERED + maxWaiting + 1);
  }

  /**
   * Returns the operation that {@code key} started before.
   *
   * @param fingerprint stands for the whole request
   * @throws io.ballast.kit.error.MeshException MALFORMED_REQUEST if that was another request
   */
  Optional<Operation<OperationResult>> repeated(String key, String fingerprint) {
    Keyed keyed = byKey.get(key);
    if (keyed == null) {
      return Optional.empty();
    }
    if (!keyed.fingerprint().equals(fingerprint)) {
      throw Faults.malformed(
          "metadata.idempotency_key", "'%s' was used for another request".formatted(key));
    }
    return Optional.of(keyed.operation());
  }

  void remember(String key, String fingerprint, Operation<OperationResult> operation) {
    byId.put(operation.id(), operation);
    if (!key.isEmpty()) {
      byKey.put(key, new Keyed(fingerprint, operation));
    }
  }

  @Nullable Operation<OperationResult> find(String id) {
    return byId.get(id);
  }

  private static final class Bounded<V> extends LinkedHashMap<String, V> {
    private static final long serialVersionUID = 1L;

    private final int limit;

    private Bounded(int limit) {
      this.limit = limit;
    }

    @Override
    protected boolean removeEldestEntry(Map.Entry<String, V> eldest) {
      return size() > limit;
    }
  }
}
