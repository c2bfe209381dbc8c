package io.ballast.safety.core.gatefit;

import io.ballast.kit.digest.Sha256;
import java.time.Instant;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Whose decisions made a gate: it must not be judged by them. Users are known by a digest, so that
 * the folder names nobody; whoever knows a name can look for it.
 *
 * @param users digests of those whose decisions grew the trees, calibrated them or drew the lines
 * @param until when the last of those decisions was taken
 */
public record TrainedOn(Set<String> users, Instant until) {
  private static final int DIGITS = 16;

  /** Copies the set. */
  public TrainedOn {
    users = Set.copyOf(users);
  }

  /** Decisions of these {@linkplain LoggedSuggestion#person persons}. */
  static TrainedOn of(Set<String> persons, Instant until) {
    return new TrainedOn(
        persons.stream().map(TrainedOn::digest).collect(Collectors.toSet()), until);
  }

  /** Whether a decision may be one that made the gate. */
  public boolean covers(LoggedSuggestion decision) {
    return !decision.decided().isAfter(until) && users.contains(digest(decision.person()));
  }

  private static String digest(String person) {
    return Sha256.of("ballast-gate-user\n" + person).substring(0, DIGITS);
  }
}
