package io.ballast.loadtest.call;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The suggestions that a load was given, which feedback is about, and the events that were
 * acknowledged. Thread-safe.
 */
public final class GivenSuggestions {
  private static final int REMEMBERED = 4_096;

  private final Map<String, Deque<String>> suggestions = new HashMap<>();
  private final Map<String, Told> told = new HashMap<>();

  /** What the mesh was told for a tenant. */
  private static final class Told {
    private final Set<String> acknowledged = new HashSet<>();
    private final Map<String, Integer> calls = new HashMap<>();
  }

  /** Remembers a suggestion; of many, the latest. */
  synchronized void add(String tenant, String suggestion) {
    Deque<String> known = suggestions.computeIfAbsent(tenant, unseen -> new ArrayDeque<>());
    known.addLast(suggestion);
    if (known.size() > REMEMBERED) {
      known.removeFirst();
    }
  }

  /** The suggestion whose turn it is; empty if the tenant was given none. */
  synchronized Optional<String> next(String tenant) {
    Deque<String> known = suggestions.get(tenant);
    if (known == null || known.isEmpty()) {
      return Optional.empty();
    }
    String suggestion = known.removeFirst();
    known.addLast(suggestion);
    return Optional.of(suggestion);
  }

  /** Remembers that an event on {@code suggestion} is reported, which may fail. */
  synchronized void report(String tenant, String suggestion) {
    of(tenant).calls.merge(suggestion, 1, Integer::sum);
  }

  /** Remembers that an event was acknowledged. */
  synchronized void acknowledge(String tenant, String event) {
    of(tenant).acknowledged.add(event);
  }

  private Told of(String tenant) {
    return told.computeIfAbsent(tenant, unseen -> new Told());
  }

  /** What was reported, by tenant. */
  public synchronized Map<String, ReportedEvents> reported() {
    Map<String, ReportedEvents> copy = new HashMap<>();
    told.forEach(
        (tenant, known) -> copy.put(tenant, new ReportedEvents(known.acknowledged, known.calls)));
    return copy;
  }
}
