package io.ballast.orchestrator.core.run;

import java.util.Collections;
import java.util.Map;
import java.util.TreeMap;

/**
 * What the updates of one iteration did. All numbers are finite.
 *
 * @param outcome what became of them
 * @param message why there was none, or not all of them; or empty
 * @param trainedCount completions that the loss was computed of; 0 without an update
 * @param learningRate of the first update
 * @param trainServeGapMaxNats the largest absolute difference between the policy-server's and the
 *     learner's log-probability of a sampled token
 * @param objective what else the objective says at the first update, such as {@code clip_fraction}
 */
public record LearningMetrics(
    UpdateOutcome outcome,
    String message,
    int trainedCount,
    double learningRate,
    double trainServeGapMaxNats,
    Map<String, Double> objective) {
  /** Copies the map. */
  public LearningMetrics {
    objective = Collections.unmodifiableMap(new TreeMap<>(objective));
  }

  /** The same with another message. */
  LearningMetrics withMessage(String value) {
    return new LearningMetrics(
        outcome, value, trainedCount, learningRate, trainServeGapMaxNats, objective);
  }

  /** Whether the first update was taken and a later one was not finite. */
  public boolean leftLaterOut() {
    return outcome == UpdateOutcome.UPDATED && !message.isEmpty();
  }

  /** Of an iteration of which nothing is known: one of before these were kept. */
  public static LearningMetrics unknown() {
    return new LearningMetrics(UpdateOutcome.UNRECORDED, "", 0, 0, 0, Map.of());
  }
}
