package io.ballast.orchestrator.core.run;

import io.ballast.orchestrator.core.data.DataCursor;
import io.ballast.orchestrator.core.rollout.PromptPlan;
import io.ballast.orchestrator.core.spec.GroupedPrompts;
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
  /**
   * n_s: how many costs the safety test of a constraint will have, at least. The spread that a run
   * knows is that of single costs, so that prompts count here even where they come in groups.
   */
  int testSize() {
    return spec.safetyTest().sizeOf(testPrompts(spec.constraints().size() - 1).size());
  }

  /** The held-out prompts of one constraint's test. */
  GroupedPrompts testPrompts(int constraint) {
    return prompts.testOf(spec, constraint);
  }

  /** What {@code iteration} takes; a run from before cursors were stored has none. */
  PromptPlan.Draw draw(DataCursor cursor, int iteration) {
    return plan.draw(cursor.places().isEmpty() ? plan.after(iteration - 1) : cursor);
  }

  /** What {@code iteration} takes, where {@code cursor} is of one before it, {@code at}. */
  PromptPlan.Draw draw(DataCursor cursor, int at, int iteration) {
    PromptPlan.Draw drawn = draw(cursor, at);
    for (int i = at + 1; i <= iteration; i++) {
      drawn = draw(drawn.next(), i);
    }
    return drawn;
  }

  /** The prompts that were drawn, shape [P]. */
  List<String> prompts(PromptPlan.Draw drawn) {
    return drawn.indices().stream().map(prompts.training()::get).toList();
  }

  static Job of(Run run, RunSpec spec, PromptSets prompts) {
    return new Job(
        spec,
        prompts,
        new PromptPlan(
            IntStream.range(0, spec.prompts().size())
                .mapToObj(
                    s ->
                        new PromptPlan.Source(
                            prompts.sources().get(s).count(), spec.prompts().get(s).weight()))
                .toList(),
            spec.rollout().promptsPerIteration(),
            spec.seed()),
        run.progress().fence());
  }
}
