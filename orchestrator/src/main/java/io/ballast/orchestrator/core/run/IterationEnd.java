package io.ballast.orchestrator.core.run;

import io.ballast.orchestrator.core.learner.Trainee;
import io.ballast.orchestrator.core.measure.HeldOutScoring;
import io.ballast.orchestrator.core.spec.RunSpec;
import io.ballast.orchestrator.core.watch.RewardWatch;
import io.ballast.rl.stats.PolicyVitals;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The end of an iteration: its weights are evaluated if they are due, or the last; what speaks for
 * stopping is collected; it is made durable.
 */
final class IterationEnd {
  private final HeldOut heldOut;
  private final IterationCommit commits;

  IterationEnd(HeldOut heldOut, IterationCommit commits) {
    this.heldOut = heldOut;
    this.commits = commits;
  }

  /**
   * Ends an iteration.
   *
   * @param learned what it did, without an evaluation
   * @param state what it hands to the next one, without an evaluation
   * @param seen what the watch saw
   * @param followed what it took of feedback
   * @return the run as it is stored
   */
  Run of(
      Job job,
      Run run,
      Trainee trainee,
      LapTimer timer,
      IterationMetrics learned,
      LoopState state,
      RewardWatch.Seen seen,
      Optional<RunStore.Followed> followed) {
    RunSpec spec = job.spec();
    boolean planned = learned.iteration() >= run.iterationsCount();
    String stop = stopReason(spec, state, learned, seen, planned);
    boolean last = planned || !stop.isEmpty();
    HeldOutScoring.Evaluated evaluated =
        heldOut.evaluate(job, run, trainee, learned.iteration(), last);
    if (evaluated == null) {
      return commits.commit(job, run, trainee, learned, state, stop, followed);
    }
    IterationMetrics metrics =
        learned.evaluated(
            evaluated.reading(),
            Spent.after(learned.spent(), evaluated.sampled(), timer, spec.budget()));
    LoopState after =
        state.withEvaluation(
            state.evaluation().after(metrics.iteration(), metrics.evaluation(), spec.earlyStop()));
    return commits.commit(
        job,
        run,
        trainee,
        metrics,
        after,
        stopReason(spec, after, metrics, seen, planned),
        followed);
  }

  /**
   * Why learning ends early. The limits and the watch look at the last iteration that was {@code
   * planned}, too, whose rewards are then not to be believed; a budget or patience that ends with
   * it ends nothing.
   */
  private static String stopReason(
      RunSpec spec,
      LoopState after,
      IterationMetrics metrics,
      RewardWatch.Seen seen,
      boolean planned) {
    PolicyVitals now = metrics.vitals();
    PolicyVitals first = after.firstVitals() == null ? now : after.firstVitals();
    Spent spent = metrics.spent();
    return Stream.of(
            EarlyStop.reason(spec.stop(), first, now),
            seen.stopReason(),
            planned || spent == null ? "" : spent.usedUp(spec.budget()),
            planned ? "" : after.evaluation().stopReason(metrics.evaluation(), spec.earlyStop()))
        .filter(reason -> !reason.isEmpty())
        .collect(Collectors.joining("; "));
  }
}
