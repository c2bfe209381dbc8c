package io.ballast.orchestrator.core.run;

import io.ballast.orchestrator.core.data.ReadSource;
import io.ballast.orchestrator.core.data.RowNotes;
import io.ballast.orchestrator.core.spec.GroupedPrompts;
import io.ballast.orchestrator.core.spec.RunSpec;
import java.util.ArrayList;
import java.util.List;

/**
 * The prompts of a run, as they were when it was created.
 *
 * @param training to learn on, those of each source after those of the one before; texts that are
 *     modelled beside the rewards are of the last source
 * @param notes what stands beside those
 * @param sources where they came from, in the order of the spec
 * @param test held out; none of them is in {@code training}
 * @param evaluation held out from both, empty where a run is not evaluated
 */
public record PromptSets(
    List<String> training,
    RowNotes notes,
    List<ReadSource> sources,
    GroupedPrompts test,
    GroupedPrompts evaluation) {
  /** Copies the lists. */
  public PromptSets {
    training = List.copyOf(training);
    sources = List.copyOf(sources);
  }

  /** Of one source, of a run that is not evaluated. */
  public PromptSets(List<String> training, GroupedPrompts test) {
    this(
        training,
        RowNotes.NONE,
        List.of(ReadSource.of("", training.size())),
        test,
        GroupedPrompts.alone(List.of()));
  }

  /** What is to learn on of all sources but the first {@code count}. */
  List<String> ofSourcesAfter(int count) {
    int first = sources.stream().limit(count).mapToInt(ReadSource::count).sum();
    return training.subList(first, training.size());
  }

  /** With what an iteration took of feedback. */
  public PromptSets after(RunStore.Followed taken) {
    List<String> all = new ArrayList<>(training);
    all.addAll(taken.prompts());
    return new PromptSets(all, notes, List.of(taken.source()), test, evaluation);
  }

  /**
   * The held-out prompts of one constraint's test: every k-th of k constraints, since a prompt
   * serves one test; all of them where the test draws its own from a pool.
   *
   * @param constraint counts from 0
   */
  GroupedPrompts testOf(RunSpec spec, int constraint) {
    return spec.safetyTest().drawCount() > 0
        ? test
        : test.every(spec.constraints().size(), constraint);
  }
}
