package io.ballast.orchestrator.core.run;

import io.ballast.inference.api.Tokenizer;
import io.ballast.orchestrator.core.data.Curriculum;
import io.ballast.orchestrator.core.data.DataCursor;
import io.ballast.orchestrator.core.data.Labels;
import io.ballast.orchestrator.core.rollout.DataTokens;
import io.ballast.orchestrator.core.rollout.Ladder;
import io.ballast.orchestrator.core.rollout.PromptPlan;
import io.ballast.orchestrator.core.spec.DataSource;
import io.ballast.orchestrator.core.spec.GroupedPrompts;
import io.ballast.orchestrator.core.spec.PtxSpec;
import io.ballast.orchestrator.core.spec.RunSpec;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

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

  /** Whether anybody samples from the weights while it learns: for it, or to evaluate them. */
  boolean sampled() {
    return !spec.fromData() || spec.evaluation() != null;
  }

  /** What {@code round} takes; before the first iteration there is no place to go on from. */
  PromptPlan.Draw draw(DataCursor cursor, PromptPlan.Round round) {
    return plan.draw(cursor.places().isEmpty() ? plan.after(round.iteration() - 1) : cursor, round);
  }

  /** The prompts that were drawn, shape [P]. */
  List<String> prompts(PromptPlan.Draw drawn) {
    return drawn.indices().stream().map(prompts.training()::get).toList();
  }

  /** Prompts that it may not learn from, each with what it is kept for. */
  Map<String, String> apart() {
    Map<String, String> apart = new HashMap<>();
    prompts.test().prompts().forEach(prompt -> apart.put(prompt, "the safety test"));
    prompts.evaluation().prompts().forEach(prompt -> apart.put(prompt, "the evaluation"));
    return apart;
  }

  /** Labelled rows as what the policy would have written, under {@code spec}. */
  static DataTokens tokens(RunSpec spec, Tokenizer tokenizer) {
    return new DataTokens(
        tokenizer,
        spec.rollout().maxPromptTokens(),
        spec.rollout().maxNewTokens(),
        spec.rollout().stopStrings());
  }

  /** What people said of completions of the prompts that were drawn, shape [P]. */
  List<Labels> labels(PromptPlan.Draw drawn) {
    return drawn.indices().stream().map(prompts.notes().labels()::get).toList();
  }

  /** What stands beside the loss of every update. */
  TextTerm textTerm() {
    PtxSpec ptx = spec.ptx();
    return ptx == null
        ? TextTerm.NONE
        : TextTerm.of(ptx, prompts.ofSourcesAfter(spec.prompts().size()), spec.seed());
  }

  static Job of(Run run, RunSpec spec, PromptSets prompts) {
    return new Job(
        spec,
        prompts,
        new PromptPlan(sources(spec, prompts), spec.rollout().promptsPerIteration(), spec.seed()),
        run.progress().fence());
  }

  private static List<PromptPlan.Source> sources(RunSpec spec, PromptSets prompts) {
    List<PromptPlan.Source> sources = new ArrayList<>();
    int first = 0;
    for (int s = 0; s < spec.prompts().size(); s++) {
      DataSource source = spec.prompts().get(s);
      int count = prompts.sources().get(s).count();
      Curriculum curriculum = source.curriculum();
      sources.add(
          new PromptPlan.Source(
              count,
              source.weight(),
              curriculum == null
                  ? null
                  : Ladder.of(
                      prompts.notes().numbers().subList(first, first + count), curriculum)));
      first += count;
    }
    return sources;
  }
}
