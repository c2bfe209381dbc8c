package io.ballast.orchestrator.core.run;

import io.ballast.kit.call.PinnedVersion;
import io.ballast.orchestrator.core.learner.Trainee;
import io.ballast.orchestrator.core.learner.WeightsStore;
import io.ballast.orchestrator.core.measure.EvaluationReading;
import io.ballast.orchestrator.core.peer.Patience;
import io.ballast.orchestrator.core.spec.CandidateChoice;
import io.ballast.orchestrator.core.spec.EvaluationSpec;
import io.ballast.orchestrator.core.watch.WatchState;
import java.util.List;
import java.util.Locale;

/**
 * Which weights become the candidate. A function of what is durable: a crash before the candidate
 * is recorded chooses the same again. The safety test comes after, and has no part in it.
 */
final class Nomination {
  private static final double PERCENT = 100;

  private final RunStore store;
  private final WeightsStore weights;
  private final PublishedWeights published;
  private final RunRecords records;
  private final Patience database;

  Nomination(
      RunStore store,
      WeightsStore weights,
      PublishedWeights published,
      RunRecords records,
      Patience database) {
    this.store = store;
    this.weights = weights;
    this.published = published;
    this.records = records;
    this.database = database;
  }

  /**
   * The weights to publish.
   *
   * @param iteration that left them; 0: the base, which is no candidate
   * @param reason why it is these where evaluations chose; empty otherwise
   */
  private record Choice(int iteration, String reason) {}

  /**
   * Publishes the trained weights, or their average if one is kept, as a candidate: the last, or
   * those with the best evaluation; after an alarm of the watch, those that were last within its
   * limits. Weights that no update moved are the base's, which is no candidate either: a test of
   * them would spend their δ.
   *
   * @param state as the last iteration left it
   */
  Run nominate(Job job, Run run, LoopState state, Trainee trainee) {
    Choice choice = choose(job, run, state);
    if (choice.iteration() == 0) {
      return records.end(job, run, RunState.STOPPED, run.progress().earlyStopReason());
    }
    if (choice.iteration() != run.progress().iterationsDone()) {
      trainee.restore(weights.checkpoint(run.tenant(), run.checkpointName(choice.iteration())));
    }
    if (trainee.updatesCount() == 0) {
      return records.end(job, run, RunState.STOPPED, neverMoved(run, choice.iteration()));
    }
    PinnedVersion candidate =
        published.candidate(run, job.spec(), trainee, choice.iteration(), choice.reason());
    return records.change(
        job, run, stored -> stored.withCandidate(candidate, choice.iteration(), choice.reason()));
  }

  private Choice choose(Job job, Run run, LoopState state) {
    if (run.stoppedByTheWatch()) { // evaluations are by the rewards that are no longer believed
      return new Choice(goodIteration(run, state), "");
    }
    int last = run.progress().iterationsDone();
    EvaluationSpec evaluation = job.spec().evaluation();
    if (evaluation == null || evaluation.candidate() == CandidateChoice.LAST) {
      return new Choice(last, "");
    }
    int best = state.evaluation().bestIteration();
    return best == 0
        ? new Choice(last, "the last: no evaluation could be read")
        : new Choice(best, words(run, best));
  }

  private String neverMoved(Run run, int chosen) {
    int done = run.progress().iterationsDone();
    String where = done == 1 ? "in 1 iteration" : "in %d iterations".formatted(done);
    if (chosen < done) {
      where = "up to iteration %d of %d, whose weights were chosen".formatted(chosen, done);
    }
    return SkippedUpdates.noneTaken(
        where,
        iterations(run).stream()
            .filter(each -> each.iteration() <= chosen)
            .map(IterationMetrics::learning)
            .toList());
  }

  private List<IterationMetrics> iterations(Run run) {
    return database.call("read its iterations", () -> store.iterations(run.runId(), 0));
  }

  private String words(Run run, int best) {
    List<IterationMetrics> evaluated =
        iterations(run).stream()
            .filter(each -> each.evaluation() instanceof EvaluationReading.Measured)
            .toList();
    return evaluated.stream()
        .filter(each -> each.iteration() == best)
        .map(IterationMetrics::evaluation)
        .map(EvaluationReading.Measured.class::cast)
        .map(
            reading ->
                String.format(
                    Locale.ROOT,
                    "the best of %d evaluations, %.4f [%.4f, %.4f] at %s %%",
                    evaluated.size(),
                    reading.mean(),
                    reading.low(),
                    reading.high(),
                    percent(reading.confidence())))
        .findFirst()
        .orElseThrow();
  }

  private static String percent(double share) {
    double percent = Math.rint(share * PERCENT * PERCENT) / PERCENT;
    return percent == Math.rint(percent) ? Long.toString((long) percent) : Double.toString(percent);
  }

  private static int goodIteration(Run run, LoopState state) {
    WatchState watch = state.watch();
    if (watch == null) {
      throw new IllegalStateException("a run that was stopped was watched: " + run.runId());
    }
    return watch.goodIteration();
  }
}
