package io.ballast.orchestrator.adapter;

import io.ballast.kit.outbox.Outbox;
import io.ballast.kit.outbox.OutboxEvent;
import io.ballast.orchestrator.core.run.IterationMetrics;
import io.ballast.orchestrator.core.run.Run;
import java.time.InstantSource;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Supplier;
import org.jdbi.v3.core.Handle;

/** Tells others of runs, each event in the transaction that stores what it tells. */
public final class RunEvents {
  private static final String CREATED = "created";

  private final Outbox outbox;
  private final Telling json;
  private final Supplier<UUID> ids;
  private final InstantSource clock;

  /** What an event tells. */
  @FunctionalInterface
  public interface Telling {
    /**
     * Tells of a run, and of the iteration that became durable.
     *
     * @param first whether it is the first event of the run
     */
    String of(Run run, Optional<IterationMetrics> iteration, boolean first);
  }

  /**
   * Writes to {@code outbox}.
   *
   * @param json tells of a run
   * @param ids never gives one twice
   * @param clock dates the events
   */
  public RunEvents(Outbox outbox, Telling json, Supplier<UUID> ids, InstantSource clock) {
    this.outbox = outbox;
    this.json = json;
    this.ids = ids;
    this.clock = clock;
  }

  void created(Handle handle, Run run) {
    add(handle, CREATED, run, Optional.empty());
  }

  /** Of a run that has another state, or another thing to say of itself. */
  void changed(Handle handle, Run run) {
    add(handle, "changed", run, Optional.empty());
  }

  void iterated(Handle handle, Run run, IterationMetrics metrics) {
    add(handle, "iterated", run, Optional.of(metrics));
  }

  private void add(Handle handle, String what, Run run, Optional<IterationMetrics> metrics) {
    outbox.add(
        handle,
        () ->
            new OutboxEvent(
                ids.get(),
                "io.ballast.run." + what,
                run.runId(),
                run.tenant(),
                clock.instant(),
                json.of(run, metrics, what.equals(CREATED))));
  }
}
