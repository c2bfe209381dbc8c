package io.ballast.policy.adapter;

import io.ballast.kit.call.TimeOrderedIds;
import io.ballast.policy.core.feedback.FeedbackCommand;
import io.ballast.policy.core.feedback.FeedbackKind;
import io.ballast.policy.core.feedback.FeedbackStore;
import io.ballast.policy.core.feedback.PageLimit;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.time.Instant;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;

/**
 * Keeps feedback in {@code next}, and counts what is kept and how long after its suggestion it
 * came; the module's README lists the names.
 */
public final class FeedbackTelemetry implements FeedbackStore {
  /** Bounds of the histogram: from an editor that tells at once to a batch of the next day. */
  private static final Duration[] BOUNDS = {
    Duration.ofSeconds(10),
    Duration.ofMinutes(1),
    Duration.ofMinutes(10),
    Duration.ofHours(1),
    Duration.ofHours(6),
    Duration.ofDays(1),
    Duration.ofDays(3)
  };

  private final FeedbackStore next;
  private final Map<FeedbackKind, Counter> kept = new EnumMap<>(FeedbackKind.class);
  private final Timer delay;

  public FeedbackTelemetry(FeedbackStore next, MeterRegistry meters) {
    this.next = next;
    for (FeedbackKind kind : FeedbackKind.values()) {
      kept.put(
          kind,
          meters.counter("ballast.policy.feedback", "kind", kind.name().toLowerCase(Locale.ROOT)));
    }
    this.delay =
        Timer.builder("ballast.policy.feedback.delay")
            .description("From a suggestion to feedback on it")
            .serviceLevelObjectives(BOUNDS)
            .register(meters);
  }

  @Override
  public Appended append(FeedbackCommand command, UUID eventId, boolean mayBeEarly) {
    Appended appended = next.append(command, eventId, mayBeEarly);
    if (appended instanceof Appended.Kept) {
      Objects.requireNonNull(kept.get(command.kind())).increment();
      if (TimeOrderedIds.isTimeOrdered(command.suggestionId())) {
        Instant suggested = TimeOrderedIds.issuedAt(command.suggestionId());
        delay.record(Duration.between(suggested, command.receivedAt())); // below 0: not recorded
      }
    }
    return appended;
  }

  @Override
  public List<JoinedRecord> read(
      String tenant, long position, Optional<Instant> since, PageLimit limit) {
    return next.read(tenant, position, since, limit);
  }

  @Override
  public Optional<SuggestionHistory> suggestion(String tenant, UUID suggestionId) {
    return next.suggestion(tenant, suggestionId);
  }
}
