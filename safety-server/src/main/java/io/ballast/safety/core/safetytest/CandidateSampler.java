package io.ballast.safety.core.safetytest;

import io.ballast.kit.call.ItemFault;
import io.ballast.kit.call.PinnedVersion;
import java.util.List;

/** Who draws a candidate's completions: the policy-server. */
public interface CandidateSampler {
  /** What one prompt gave. */
  sealed interface Drawn {
    /** A completion; may be empty. */
    record Text(String text) implements Drawn {}

    /** None. */
    record Missing(ItemFault fault) implements Drawn {}
  }

  /**
   * A version as the policy-server has it.
   *
   * @param folderSha256 over all files of its folder; empty if it runs elsewhere
   */
  record Pinned(PinnedVersion id, String folderSha256) {}

  /**
   * Returns the version with the checksum of its weights.
   *
   * @param field names it in messages
   * @throws io.ballast.kit.error.MeshException UNKNOWN_MODEL if there is no such version,
   *     DEPENDENCY_DOWN if the policy-server does not answer
   */
  Pinned pin(String field, PinnedVersion version, String tenant);

  /**
   * Draws one completion of each of {@code prompts}.
   *
   * @param test whose candidate, options and tenant are used
   * @param seed of this call
   * @return shape [prompts]
   * @throws io.ballast.kit.error.MeshException DEPENDENCY_DOWN, OVERLOADED or MODEL_LOADING if it
   *     may succeed later; DEPENDENCY_BROKEN if other weights answered
   */
  List<Drawn> sample(ClaimedTest test, List<String> prompts, long seed);
}
