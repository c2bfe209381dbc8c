package io.ballast.orchestrator.adapter;

import io.ballast.orchestrator.core.data.ReadSource;
import io.ballast.orchestrator.core.rollout.JudgedRollout;
import io.ballast.orchestrator.core.run.IterationMetrics;
import io.ballast.orchestrator.core.run.LearningMetrics;
import io.ballast.orchestrator.core.run.Run;
import io.ballast.orchestrator.core.run.RunMonitor;
import io.ballast.orchestrator.core.watch.RunAlarm;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes what runs do to a folder that TensorBoard watches, iteration by iteration, and passes all
 * of it on. A file that cannot be written costs no run, and one line at level WARN until it can be
 * written again.
 */
public final class EventRecorder implements RunMonitor {
  private static final Logger LOG = LoggerFactory.getLogger(EventRecorder.class);

  private final RunMonitor next;
  private final EventFolder folder;
  private final Function<IterationMetrics, Map<String, Double>> scalars;

  /** The ids of runs whose latest iteration could not be written. */
  private final Set<String> failing = ConcurrentHashMap.newKeySet();

  /**
   * Writes below {@code folder}.
   *
   * @param scalars the numbers of an iteration by their tags
   */
  public EventRecorder(
      RunMonitor next,
      EventFolder folder,
      Function<IterationMetrics, Map<String, Double>> scalars) {
    this.next = next;
    this.folder = folder;
    this.scalars = scalars;
  }

  @Override
  public <T> T watch(Run run, Phase phase, int iteration, Supplier<T> work) {
    return next.watch(run, phase, iteration, work);
  }

  @Override
  public void learnsFrom(Run run, List<ReadSource> sources) {
    next.learnsFrom(run, sources);
  }

  @Override
  public void judged(Run run, int iteration, JudgedRollout judged) {
    next.judged(run, iteration, judged);
  }

  @Override
  public void updated(Run run, LearningMetrics learning) {
    next.updated(run, learning);
  }

  @Override
  public void iterated(Run run, IterationMetrics metrics) {
    next.iterated(run, metrics);
    try {
      folder.append(
          new EventFolder.RunKey(run.name(), run.runId(), run.createdAt()),
          new EventFolder.Row(metrics.iteration(), metrics.committedAt(), scalars.apply(metrics)));
      failing.remove(run.runId());
    } catch (IOException | RuntimeException e) {
      if (failing.add(run.runId())) {
        LOG.warn(
            "run {} iteration {}: no event for TensorBoard until one can be written again: {}",
            run.name(),
            metrics.iteration(),
            e.toString());
      }
    }
  }

  @Override
  public void alarmed(Run run, RunAlarm alarm) {
    next.alarmed(run, alarm);
  }

  @Override
  public void left(Run run) {
    failing.remove(run.runId());
    next.left(run);
  }
}
