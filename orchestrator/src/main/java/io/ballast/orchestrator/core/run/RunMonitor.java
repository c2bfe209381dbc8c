package io.ballast.orchestrator.core.run;

import io.ballast.orchestrator.core.data.ReadSource;
import io.ballast.orchestrator.core.rollout.JudgedRollout;
import io.ballast.orchestrator.core.watch.RunAlarm;
import java.util.List;
import java.util.function.Supplier;

/** Sees what runs do. What it throws is its own problem's: implementations do not throw. */
public interface RunMonitor {
  /** The parts of a run that take time. */
  enum Phase {
    PUBLISH,
    SAMPLE,
    JUDGE,
    GOLD,
    MEASURE,
    LEARN,
    EVALUATE,
    COMMIT,
    TEST,
    PROMOTE
  }

  /** Does {@code work} as a phase of {@code iteration} of {@code run}. */
  <T> T watch(Run run, Phase phase, int iteration, Supplier<T> work);

  /** Does {@code work} as a phase of the iteration that the learner is at. */
  default <T> T watch(Run run, Phase phase, Supplier<T> work) {
    return watch(run, phase, run.progress().iterationsDone() + 1, work);
  }

  /**
   * A worker has read where the prompts of a run came from, or has taken more of what it follows.
   */
  void learnsFrom(Run run, List<ReadSource> sources);

  /** The completions of {@code iteration} are judged, whether or not it ever becomes durable. */
  void judged(Run run, int iteration, JudgedRollout judged);

  /** The updates of an iteration are over, whether or not it ever becomes durable. */
  void updated(Run run, LearningMetrics learning);

  /** An iteration became durable. */
  void iterated(Run run, IterationMetrics metrics);

  /** The watch over its rewards raised an alarm that it had not raised in the iteration before. */
  void alarmed(Run run, RunAlarm alarm);

  /** A worker let go of a run, which is in its new state. */
  void left(Run run);
}
