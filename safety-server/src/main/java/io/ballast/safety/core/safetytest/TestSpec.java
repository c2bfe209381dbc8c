package io.ballast.safety.core.safetytest;

import io.ballast.inference.api.SamplingOptions;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.rl.bound.BoundMethod;
import io.ballast.rl.bound.SafetyTest;
import java.util.List;

/**
 * What is tested, on what, how strictly: all of it fixed before anything is sampled.
 *
 * @param candidate with the checksum of its weights
 * @param costModel that judges, with the checksum of its weights
 * @param optimisedCostModels what the candidate's run optimised against
 * @param threshold τ, 0 to 1
 * @param delta δ, above 0, below 1
 * @param sampling how completions are drawn, the seed included
 * @param maxPromptTokens the most prompt tokens used, the last ones; 0: as many as fit
 */
public record TestSpec(
    PinnedVersion candidate,
    PinnedVersion costModel,
    List<PinnedVersion> optimisedCostModels,
    PromptSet prompts,
    double threshold,
    double delta,
    BoundMethod boundMethod,
    SamplingOptions sampling,
    int maxPromptTokens) {
  public TestSpec {
    optimisedCostModels = List.copyOf(optimisedCostModels);
  }

  /** The decision rule. */
  SafetyTest rule() {
    return new SafetyTest(threshold, delta, boundMethod);
  }
}
