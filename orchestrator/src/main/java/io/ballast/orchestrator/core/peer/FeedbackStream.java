package io.ballast.orchestrator.core.peer;

import java.time.Duration;
import java.util.Optional;
import java.util.function.Predicate;

/** What people said of suggestions, in the order in which it became known. */
@FunctionalInterface
public interface FeedbackStream {
  /**
   * One thing that somebody said of a suggestion.
   *
   * @param cursor gives what comes after it
   * @param prompt of the suggestion
   * @param completion what was suggested; empty if nothing was shown
   * @param cutOff whether the policy did not end it, and a limit did
   * @param good whether they liked it; empty: they said neither
   */
  record Event(
      String cursor, String prompt, String completion, boolean cutOff, Optional<Boolean> good) {}

  /**
   * Hands over the events of {@code tenant} after {@code cursor}, the same ones in the same order
   * whenever it is asked, until {@code sink} has enough or there are no more. It may also return
   * before the wait is over, where a connection that had held is gone: what comes after the last
   * event is to be asked for once more.
   *
   * @param cursor empty: from the beginning
   * @param wait how long to wait for more, from the call on
   * @param sink says whether it wants another
   * @throws io.ballast.kit.error.MeshException DEPENDENCY_DOWN
   */
  void read(String tenant, String cursor, Duration wait, Predicate<Event> sink);
}
