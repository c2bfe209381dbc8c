package io.ballast.safety.core.canary;

import java.time.Instant;
import java.util.Optional;
import java.util.UUID;

/**
 * One canary as it is watched.
 *
 * @param claim how often a process took it over; what an earlier claim writes is refused
 * @param costCursor where costs were last read in the log of decisions; empty: nowhere
 * @param acceptCursor where answers were
 * @param numbers as they are, or were when a rollback was decided or it ended
 * @param reason why that is the verdict; empty of UNDECIDED
 * @param openedAt when it was first seen
 * @param readAt when all that there was had last been read and judged
 * @param trouble why it could not be since; empty: it could
 * @param troubledAt since when looks have failed and nothing was read and judged; empty: the last
 *     did not
 * @param decidedAt when it was decided that it is rolled back
 * @param endedAt when it was seen to have ended
 * @param endMove the kind and reason of the move that ended it; empty: none did
 */
public record CanaryWatch(
    UUID id,
    CanarySubject subject,
    CanaryTerms terms,
    int claim,
    String costCursor,
    String acceptCursor,
    CanaryState state,
    CanaryNumbers numbers,
    CanaryVerdict verdict,
    String reason,
    Instant openedAt,
    Instant readAt,
    String trouble,
    Optional<Instant> troubledAt,
    Optional<Instant> decidedAt,
    Optional<Instant> endedAt,
    String endMove) {
  /** Where this kind of observation was last read. */
  String cursor(Observation.Kind kind) {
    return switch (kind) {
      case COST -> costCursor;
      case ACCEPT -> acceptCursor;
    };
  }

  /** Whether the horizon has passed. */
  boolean overdue(Instant now) {
    return !now.isBefore(subject.startedAt().plus(terms.horizon()));
  }
}
