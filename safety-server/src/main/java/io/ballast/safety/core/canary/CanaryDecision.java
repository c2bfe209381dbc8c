package io.ballast.safety.core.canary;

import java.util.Optional;
import java.util.UUID;

/**
 * A recorded decision, as far as a watch needs it.
 *
 * @param cursor where it stands in the log
 * @param model that answered
 * @param version that answered
 * @param arm which of two that is; empty: there was one alone, or a version was named
 * @param aliasRevision of the alias by which it was chosen; 0: a version was named
 * @param shown whether somebody saw it
 * @param prompt what was asked
 * @param text what was shown
 * @param taken whether it was taken, or a part of it kept; empty: nobody said
 */
public record CanaryDecision(
    String cursor,
    UUID suggestionId,
    String model,
    String version,
    Optional<Arm> arm,
    long aliasRevision,
    boolean shown,
    String prompt,
    String text,
    Optional<Boolean> taken) {
  /** The arm of this canary that somebody saw it from; empty: it is of none, or nobody saw it. */
  Optional<Arm> seenOf(CanarySubject subject) {
    return shown && model.equals(subject.model()) && aliasRevision == subject.startRevision()
        ? arm.filter(each -> version.equals(subject.version(each)))
        : Optional.empty();
  }
}
