package io.ballast.orchestrator.core.run;

import io.ballast.orchestrator.core.rollout.PromptPlan;
import io.ballast.orchestrator.core.spec.RunSpec;

/**
 * A run with what does not change while a worker has it.
 *
 * @param spec read
 * @param prompts what it learns and is tested on
 * @param plan which prompts an iteration takes
 * @param fence of the worker: only the last one may write
 */
record Job(RunSpec spec, PromptSets prompts, PromptPlan plan, long fence) {
  /** n_s: how many independent costs its safety test will have. */
  int testSize() {
    return spec.safetyTest().sizeOf(prompts.test().size());
  }

  static Job of(Run run, RunSpec spec, PromptSets prompts) {
    return new Job(
        spec,
        prompts,
        new PromptPlan(
            prompts.training().size(), spec.rollout().promptsPerIteration(), spec.seed()),
        run.progress().fence());
  }
}
