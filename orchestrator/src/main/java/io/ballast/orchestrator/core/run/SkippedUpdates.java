package io.ballast.orchestrator.core.run;

import io.ballast.orchestrator.core.Faults;
import io.ballast.orchestrator.core.peer.Patience;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** What becomes of a run whose updates are skipped. */
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

  /**
   * Says that the policy never moved, and why.
   *
   * @param where such as {@code in 2 iterations}
   * @param learned what those did
   */
  static String noneTaken(String where, List<LearningMetrics> learned) {
    String each =
        Stream.of(
                counted(learned, UpdateOutcome.NOT_FINITE, "not finite"),
                counted(learned, UpdateOutcome.NO_SIGNAL, "no signal"),
                counted(learned, UpdateOutcome.UPDATED, "of the critic alone"),
                counted(learned, UpdateOutcome.UNRECORDED, "not recorded"))
            .filter(words -> !words.isEmpty())
            .collect(Collectors.joining(", "));
    return "no update of the policy was taken %s: %s; the weights are those the run began with"
        .formatted(where, each);
  }

  private static String counted(
      List<LearningMetrics> learned, UpdateOutcome outcome, String words) {
    long count = learned.stream().filter(each -> each.outcome() == outcome).count();
    return count == 0 ? "" : "%d %s".formatted(count, words);
  }
}
