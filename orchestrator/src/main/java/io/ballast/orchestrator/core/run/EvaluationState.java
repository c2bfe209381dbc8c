package io.ballast.orchestrator.core.run;

import io.ballast.orchestrator.core.measure.EvaluationReading;
import io.ballast.orchestrator.core.spec.EarlyStopSpec;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * What a run remembers of its evaluations.
 *
 * @param bestIteration the iteration after which the weights had the highest mean, the first of
 *     equals; 0 before any was read
 * @param best that mean
 * @param reference the mean that the next one must improve on
 * @param sinceImprovement evaluations since that one
 */
public record EvaluationState(
    int bestIteration, double best, double reference, int sinceImprovement) {
  /** Before the first evaluation. */
  static final EvaluationState NONE = new EvaluationState(0, 0, 0, 0);

  /**
   * Takes up an evaluation; one that told nothing changes nothing.
   *
   * @param stop says what an improvement is; null: whatever is higher
   */
  EvaluationState after(
      int iteration, @Nullable EvaluationReading reading, @Nullable EarlyStopSpec stop) {
    if (!(reading instanceof EvaluationReading.Measured measured)) {
      return this;
    }
    double mean = measured.mean();
    double step = stop == null ? 0 : stop.minImprovement();
    boolean first = bestIteration == 0;
    boolean higher = first || mean > best;
    boolean improved = first || mean > reference + step;
    return new EvaluationState(
        higher ? iteration : bestIteration,
        higher ? mean : best,
        improved ? mean : reference,
        improved ? 0 : sinceImprovement + 1);
  }

  /** Says why learning ends after {@code reading}; empty to go on. */
  String stopReason(@Nullable EvaluationReading reading, @Nullable EarlyStopSpec stop) {
    return stop != null
            && reading instanceof EvaluationReading.Measured measured
            && sinceImprovement >= stop.patience()
        ? String.format(
            Locale.ROOT,
            "early_stop: evaluation %.4f, number %d in a row that is not more than %s over %.4f",
            measured.mean(),
            sinceImprovement,
            stop.minImprovement(),
            reference)
        : "";
  }
}
