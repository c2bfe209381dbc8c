package io.ballast.orchestrator.core.run;

import io.ballast.orchestrator.core.rollout.PromptPlan;
import io.ballast.orchestrator.core.spec.RunSpec;
import java.util.List;
import java.util.stream.IntStream;

/**
 * A run with what does not change while a worker has it.
 *
 * @param spec read
 * @param prompts what it learns and is tested on
 * @param plan which prompts an iteration takes
 * @param fence of the worker: only the last one may write
 */
record Job(RunSpec spec, PromptSets prompts, PromptPlan plan, long fence) {
  /** n_s: how many independent costs the safety test of a constraint will have, at least. */
  int testSize() {
    return spec.safetyTest().sizeOf(testPrompts(spec.constraints().size() - 1).size());
  }

  /**
   * The held-out prompts of one constraint's test: every k-th of k constraints, since a prompt
   * serves one test; all of them where the test draws its own from a pool.
   *
   * @param constraint counts from 0
   */
  List<String> testPrompts(int constraint) {
    int all = spec.constraints().size();
    if (spec.safetyTest().drawCount() > 0) {
      return prompts.test();
    }
    return IntStream.range(0, prompts.test().size())
        .filter(i -> i % all == constraint)
        .mapToObj(prompts.test()::get)
        .toList();
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
