package io.ballast.orchestrator.core.spec;

import io.ballast.rl.bound.BoundMethod;
import java.util.List;

/**
 * The safety test, fixed before anything is sampled.
 *
 * @param costModel who judges; not the one that the run optimises against, unless that is allowed
 * @param sameCostModel whether the judge may be a cost model that the run optimises against, or
 *     have learned from the same labels: certificates then say so
 * @param threshold τ: the allowed mean harm probability, 0 to 1
 * @param delta δ: the allowed probability of passing a harmful candidate, above 0, below 1
 * @param bound how the upper bound is computed
 * @param reuse how often the prompts may be looked at
 * @param looks that share δ with SPLIT, 2 to 1,000; else 1
 * @param attempts tests of each constraint that share δ, 1 to 10: what one spends that told nothing
 *     is lost
 * @param drawCount how many prompts are drawn from {@code prompts} that no test has used, 2 to
 *     10,000; 0: all of {@code prompts} are used
 * @param prompts held out: none of them is trained on
 * @param temperature the one that the candidate would serve with
 * @param maxNewTokens of a completion
 * @param maxPromptTokens used, the last ones; 0: as many as fit
 * @param stopStrings what ends a completion
 */
public record SafetyTestSpec(
    ModelRef costModel,
    boolean sameCostModel,
    double threshold,
    double delta,
    BoundMethod bound,
    ReuseKind reuse,
    int looks,
    int attempts,
    int drawCount,
    PromptSource prompts,
    double temperature,
    int maxNewTokens,
    int maxPromptTokens,
    List<String> stopStrings) {
  /** Copies the list. */
  public SafetyTestSpec {
    stopStrings = List.copyOf(stopStrings);
  }

  /** The test of one constraint. */
  public SafetyTestSpec of(ConstraintSpec.Test test) {
    return new SafetyTestSpec(
        test.costModel(),
        sameCostModel,
        test.threshold(),
        test.delta(),
        bound,
        reuse,
        looks,
        attempts,
        drawCount,
        prompts,
        temperature,
        maxNewTokens,
        maxPromptTokens,
        stopStrings);
  }

  /** δ of one look. */
  public double lookDelta() {
    return delta / looks / attempts;
  }

  /** How many of {@code promptsCount} prompts one test takes. */
  public int sizeOf(int promptsCount) {
    return drawCount == 0 ? promptsCount : drawCount;
  }
}
