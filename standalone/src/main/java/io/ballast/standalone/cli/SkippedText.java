package io.ballast.standalone.cli;

import io.ballast.orchestrator.v1.IterationMetrics;
import io.ballast.orchestrator.v1.LearningMetrics;
import io.ballast.orchestrator.v1.UpdateOutcome;
import java.util.Collection;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Updates that were skipped, in words. */
final class SkippedText {
  private SkippedText() {}

  /** Why an iteration's updates, or the later ones of them, were not taken; empty if all were. */
  static String of(IterationMetrics metrics) {
    LearningMetrics learning = metrics.getLearning();
    return switch (learning.getOutcome()) {
      case UPDATE_OUTCOME_NOT_FINITE -> "update skipped: not finite: " + learning.getMessage();
      case UPDATE_OUTCOME_NO_SIGNAL -> "update skipped: no signal: " + learning.getMessage();
      case UPDATE_OUTCOME_UPDATED -> learning.getMessage();
      case UPDATE_OUTCOME_UNSPECIFIED, UNRECOGNIZED -> "";
    };
  }

  /** How many of a run's iterations left the weights as they were; empty if none did. */
  static String summary(Collection<IterationMetrics> iterations) {
    long notFinite = count(iterations, UpdateOutcome.UPDATE_OUTCOME_NOT_FINITE);
    long noSignal = count(iterations, UpdateOutcome.UPDATE_OUTCOME_NO_SIGNAL);
    if (notFinite + noSignal == 0) {
      return "";
    }
    String each =
        Stream.of(words(notFinite, "not finite"), words(noSignal, "no signal"))
            .filter(words -> !words.isEmpty())
            .collect(Collectors.joining(", "));
    return "%d of %d updates: %s".formatted(notFinite + noSignal, iterations.size(), each);
  }

  private static long count(Collection<IterationMetrics> iterations, UpdateOutcome outcome) {
    return iterations.stream().filter(each -> each.getLearning().getOutcome() == outcome).count();
  }

  private static String words(long count, String why) {
    return count == 0 ? "" : "%d %s".formatted(count, why);
  }
}
