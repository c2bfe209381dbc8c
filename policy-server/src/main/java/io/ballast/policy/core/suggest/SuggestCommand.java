package io.ballast.policy.core.suggest;

import io.ballast.kit.call.Caller;
import io.ballast.kit.call.Texts;
import io.ballast.kit.call.VersionSelector;
import io.ballast.policy.core.CallLimits;
import io.ballast.policy.core.SamplingChoice;

/**
 * A place in a text where somebody might want a continuation.
 *
 * @param caller who asks
 * @param policy which policy
 * @param prompt the text before the cursor
 * @param sampling how to draw
 * @param candidatesCount how many to generate
 * @param gateMode what the gate may do
 * @param withReward whether a reward is asked for; implied by more than one candidate
 * @param withCost whether a cost is asked for and acted on
 * @param user the pseudonym of the person; empty: nobody in particular
 * @param arrivalNanos when the call arrived, by the monotonic clock
 */
public record SuggestCommand(
    Caller caller,
    VersionSelector policy,
    String prompt,
    SamplingChoice sampling,
    int candidatesCount,
    GateMode gateMode,
    boolean withReward,
    boolean withCost,
    String user,
    long arrivalNanos) {
  private static final int MAX_USER_CHARACTERS = 128;

  /**
   * Checks the ranges.
   *
   * @throws io.ballast.kit.error.MeshException MALFORMED_REQUEST, naming the field
   */
  void validate(CallLimits limits) {
    if (prompt.isEmpty()) {
      throw Texts.malformed("prompt", "empty (expected: at least 1 byte)");
    }
    int bytes = Texts.utf8Bytes(prompt);
    if (bytes > limits.maxPromptBytes()) {
      throw Texts.malformed(
          "prompt", "%,d bytes, limit %,d".formatted(bytes, limits.maxPromptBytes()));
    }
    String flaw = Texts.encodingFlaw(prompt);
    if (flaw != null) {
      throw Texts.malformed("prompt", flaw);
    }
    if (candidatesCount < 1 || candidatesCount > limits.maxCandidates()) {
      throw Texts.malformed(
          "candidates_count",
          "%d (expected: 1 to %d)".formatted(candidatesCount, limits.maxCandidates()));
    }
    // as DeleteUserData has it: else a user's data could not be deleted by request
    var unused = Texts.requireLine("user", user, MAX_USER_CHARACTERS);
  }

  /** Whether the reward-server is asked. */
  boolean needsReward() {
    return withReward || candidatesCount > 1;
  }
}
