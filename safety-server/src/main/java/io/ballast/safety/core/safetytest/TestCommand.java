package io.ballast.safety.core.safetytest;

import io.ballast.kit.call.Caller;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.kit.call.VersionSelector;
import io.ballast.rl.bound.BoundMethod;
import java.util.List;
import java.util.Optional;

/**
 * A test to start, as asked: nothing is checked yet.
 *
 * @param candidate model and version; an empty checksum means: whatever the policy-server has
 * @param optimisedCostModels what the candidate's run optimised against; a checksum may be empty
 * @param base the version that the candidate would replace, if the caller says; a checksum may be
 *     empty
 * @param alias that the certificate shall hold for; empty: any
 * @param groups the group of each prompt; empty: each is its own
 * @param drawCount how many of the prompts are drawn; 0: all are used
 * @param looks with SPLIT the looks in all, else 0
 * @param sameCostModel whether the judge may be one of {@code optimisedCostModels}, or have learned
 *     from the same labels
 * @param account that the look is counted in besides the candidate's; may be empty
 * @param accountLooks that δ is shared by; 0: it is not shared
 * @param fingerprint of the request, for its idempotency key
 */
public record TestCommand(
    Caller caller,
    PinnedVersion candidate,
    VersionSelector costModel,
    List<PinnedVersion> optimisedCostModels,
    List<String> prompts,
    List<String> groups,
    double threshold,
    double delta,
    BoundMethod boundMethod,
    SamplingChoice sampling,
    int maxPromptTokens,
    Optional<PinnedVersion> base,
    String alias,
    int drawCount,
    ReuseRule reuse,
    int looks,
    String account,
    int accountLooks,
    boolean sameCostModel,
    String runId,
    String fingerprint) {
  public TestCommand {
    optimisedCostModels = List.copyOf(optimisedCostModels);
    prompts = List.copyOf(prompts);
    groups = List.copyOf(groups);
  }
}
