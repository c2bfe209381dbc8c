package io.ballast.policy.core.feedback;

import java.time.Instant;

/** Where what people wrote and were shown is deleted. */
public interface UserDataStore {
  /** Deletes what a command names, with the proof, in one transaction. */
  Deleted delete(DeletionCommand command);

  /**
   * Deletes the oldest of what is older than {@code before}, with the proof, in one transaction.
   *
   * @param limit the most suggestions, and the most events without one
   * @return how much that was
   */
  int deleteOlder(Instant before, int limit);

  /**
   * What is gone.
   *
   * @param idsSha256 over the ids of the suggestions, in their order, each on a line
   * @param auditSequence the place of the proof in the trail
   * @param auditSha256 its hash
   */
  record Deleted(
      int suggestions, int events, String idsSha256, long auditSequence, String auditSha256) {}
}
