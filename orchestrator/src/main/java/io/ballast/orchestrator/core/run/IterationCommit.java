package io.ballast.orchestrator.core.run;

import io.ballast.orchestrator.core.learner.Trainee;
import io.ballast.orchestrator.core.learner.WeightsStore;
import io.ballast.orchestrator.core.peer.Patience;
import io.ballast.orchestrator.core.run.RunMonitor.Phase;
import io.ballast.orchestrator.core.spec.CandidateChoice;
import io.ballast.orchestrator.core.spec.EvaluationSpec;
import io.ballast.orchestrator.core.spec.RunSpec;
import io.ballast.orchestrator.core.spec.WatchAction;
import io.ballast.orchestrator.core.watch.WatchState;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Makes an iteration durable: a checkpoint, then the commit that names it, then what is older goes.
 * In this order a crash loses nothing.
 */
final class IterationCommit {
  private final RunStore store;
  private final WeightsStore weights;
  private final Patience database;
  private final RunMonitor monitor;

  IterationCommit(RunStore store, WeightsStore weights, Patience database, RunMonitor monitor) {
    this.store = store;
    this.weights = weights;
    this.database = database;
    this.monitor = monitor;
  }

  /**
   * Commits.
   *
   * @param state what the iteration hands to the next one
   * @param stop why the run stops learning; empty to go on
   * @param followed what it took of feedback
   * @throws RunLostException if the run is no longer this worker's
   */
  Run commit(
      Job job,
      Run run,
      Trainee trainee,
      IterationMetrics metrics,
      LoopState state,
      String stop,
      Optional<RunStore.Followed> followed) {
    String checkpoint = run.checkpointName(metrics.iteration());
    Run committed =
        monitor.watch(
            run,
            Phase.COMMIT,
            () -> {
              weights.keepCheckpoint(run.tenant(), checkpoint, trainee::checkpoint);
              return database.call(
                  "record iteration " + metrics.iteration(),
                  () ->
                      store.commit(
                          run.runId(),
                          stored -> stored.heldBy(job.fence()).iterated(metrics, stop),
                          metrics,
                          state,
                          followed));
            });
    weights.forgetCheckpoints(
        run.tenant(), run.checkpointPrefix(), kept(job.spec(), run, metrics.iteration(), state));
    monitor.iterated(committed, metrics);
    followed.ifPresent(taken -> monitor.learnsFrom(committed, List.of(taken.source())));
    tellAlarms(run, committed, metrics);
    return committed;
  }

  /** The last checkpoint, and those that a candidate may be made of. */
  private static Set<String> kept(RunSpec spec, Run run, int iteration, LoopState state) {
    Set<String> kept = new HashSet<>();
    kept.add(run.checkpointName(iteration));
    WatchState watch = state.watch();
    if (watch != null && spec.watch().action() == WatchAction.STOP) {
      kept.add(run.checkpointName(watch.goodIteration()));
    }
    EvaluationSpec evaluation = spec.evaluation();
    if (evaluation != null && evaluation.candidate() == CandidateChoice.BEST) {
      kept.add(run.checkpointName(state.evaluation().bestIteration()));
    }
    return kept;
  }

  private void tellAlarms(Run run, Run committed, IterationMetrics metrics) {
    IterationMetrics before = run.progress().latest();
    metrics.watch().alarms().stream()
        .filter(alarm -> before == null || !before.watch().raised(alarm))
        .filter(alarm -> !alarm.toldOnce() || !alarm.isAmong(run.progress().alarms()))
        .forEach(alarm -> monitor.alarmed(committed, alarm));
  }
}
