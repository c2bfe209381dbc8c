package io.ballast.kit.telemetry;

import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.Tracer;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;

/**
 * Phases that were measured anyway, as spans: written at the end of a call below its own span, so
 * that nothing is added on the way, whichever thread a phase ran on. Costs nothing where the trace
 * is not recorded.
 */
public final class PhaseSpans {
  private final Tracer tracer;
  private final InstantSource clock;

  public PhaseSpans(Tracer tracer, InstantSource clock) {
    this.tracer = tracer;
    this.clock = clock;
  }

  /**
   * A part of a call.
   *
   * @param took zero: it did not happen
   */
  public record Phase(String name, Duration took) {}

  /**
   * Writes the phases that happened, one after the other, of work that ends now. Where they
   * overlap, and so add up to more than {@code total}, the last ones are cut.
   *
   * @param total from the first one's beginning until now
   */
  public void ended(Duration total, List<Phase> phases) {
    if (!Span.current().isRecording()) {
      return;
    }
    Instant end = clock.instant();
    Instant at = end.minus(total);
    for (Phase phase : phases) {
      if (phase.took().isPositive() && at.isBefore(end)) {
        Instant until = at.plus(phase.took());
        Instant ended = until.isBefore(end) ? until : end;
        tracer.spanBuilder(phase.name()).setStartTimestamp(at).startSpan().end(ended);
        at = ended;
      }
    }
  }
}
