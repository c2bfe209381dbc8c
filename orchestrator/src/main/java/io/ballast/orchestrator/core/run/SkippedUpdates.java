package io.ballast.orchestrator.core.run;

import io.ballast.orchestrator.core.Faults;
import io.ballast.orchestrator.core.peer.Patience;
import java.util.List;

/** What becomes of a run whose updates are not finite. */
final class SkippedUpdates {
  private static final int MOST_IN_A_ROW = 3;

  private final RunStore store;
  private final Patience database;
  private final SkippedSamples samples;

  SkippedUpdates(RunStore store, Patience database, SkippedSamples samples) {
    this.store = store;
    this.database = database;
    this.samples = samples;
  }

  /** With the name of what is kept of an update that was not finite. */
  PolicyUpdate kept(Run run, int iteration, PolicyUpdate update) {
    if (update.suspects().isEmpty()) {
      return update;
    }
    String why = update.learning().message();
    return samples
        .keep(run, iteration, why, update.suspects())
        .map(name -> update.withMessage("%s; its samples are in %s".formatted(why, name)))
        .orElse(update);
  }

  /**
   * Requires that updates are skipped now and then at most: a loss that is not finite again and
   * again is no accident of one sample.
   *
   * @throws io.ballast.kit.error.MeshException PRECONDITION_FAILED
   */
  void requireSeldom(Run run, int iteration, LearningMetrics learning) {
    if (learning.outcome() != UpdateOutcome.NOT_FINITE) {
      return;
    }
    List<IterationMetrics> before =
        database.call(
            "read its iterations", () -> store.iterations(run.runId(), iteration - MOST_IN_A_ROW));
    boolean again =
        before.size() == MOST_IN_A_ROW - 1
            && before.stream()
                .allMatch(each -> each.learning().outcome() == UpdateOutcome.NOT_FINITE);
    if (again) {
      throw Faults.precondition(
          "the updates of %d iterations in a row were skipped, the last because %s; the weights are those of iteration %d"
              .formatted(MOST_IN_A_ROW, learning.message(), iteration - MOST_IN_A_ROW));
    }
  }
}
