package io.ballast.orchestrator.core.run;

import io.ballast.orchestrator.core.measure.EvaluationReading;
import io.ballast.orchestrator.core.measure.MeasuredReading;
import io.ballast.orchestrator.core.watch.IterationWatch;
import io.ballast.rl.stats.PolicyVitals;
import java.time.Instant;
import java.util.List;
import java.util.OptionalDouble;
import org.jspecify.annotations.Nullable;

/**
 * What one iteration did. All numbers are finite.
 *
 * @param iteration counts from 1
 * @param samplesCount completions that were judged and not dropped; the loss is computed of {@code
 *     learning.trainedCount()} of them
 * @param droppedCount completions dropped because a reward was missing, or their group fell below
 *     its floor
 * @param rounds how it got the groups with a signal; null where those without one are not left out,
 *     or nobody knows them before all are judged
 * @param meanReward mean aggregated reward of the samples that have one; empty if none has, which
 *     only labelled data can be
 * @param meanSpread mean of the members' standard deviation over the samples that have one; empty
 *     if none has: a composite has no members
 * @param constraints of each constraint, at least one
 * @param measured harm that was measured in it and is not acted on
 * @param klNats mean KL(π ‖ π_ref) of a completion, {@link
 *     io.ballast.orchestrator.core.learner.CompletionKl}, of the policy that sampled; empty where
 *     nothing needed it
 * @param entropyNats mean entropy of a token
 * @param meanCompletionTokens mean tokens of a completion
 * @param learning what the updates did
 * @param loss the objective's value at the first update
 * @param gradientNorm before clipping, at the first update
 * @param trainServeGapNats mean absolute difference between the policy-server's and the learner's
 *     log-probability of a sampled token
 * @param watch gold, its gap and the alarms
 * @param evaluation of the weights after it, on held-out prompts; null where they were not
 *     evaluated
 * @param spent what the run has used up by its end; null in iterations of before this was kept
 * @param sampleSeconds for publishing and sampling, without the evaluation's
 * @param judgeSeconds for rewards, costs, gold and measured harm, without the evaluation's
 * @param learnSeconds for forward, backward and step
 * @param committedAt when it became durable
 */
public record IterationMetrics(
    int iteration,
    int samplesCount,
    int droppedCount,
    @Nullable RoundsReading rounds,
    OptionalDouble meanReward,
    OptionalDouble meanSpread,
    List<ConstraintReading> constraints,
    List<MeasuredReading> measured,
    OptionalDouble klNats,
    double entropyNats,
    double meanCompletionTokens,
    LearningMetrics learning,
    double loss,
    double gradientNorm,
    double trainServeGapNats,
    IterationWatch watch,
    @Nullable EvaluationReading evaluation,
    @Nullable Spent spent,
    double sampleSeconds,
    double judgeSeconds,
    double learnSeconds,
    Instant committedAt) {
  /** Copies the lists. */
  public IterationMetrics {
    constraints = List.copyOf(constraints);
    measured = List.copyOf(measured);
  }

  /** The same with an evaluation of the weights after it, and what was used up by its end. */
  IterationMetrics evaluated(EvaluationReading reading, @Nullable Spent newSpent) {
    return new IterationMetrics(
        iteration,
        samplesCount,
        droppedCount,
        rounds,
        meanReward,
        meanSpread,
        constraints,
        measured,
        klNats,
        entropyNats,
        meanCompletionTokens,
        learning,
        loss,
        gradientNorm,
        trainServeGapNats,
        watch,
        reading,
        newSpent,
        sampleSeconds,
        judgeSeconds,
        learnSeconds,
        committedAt);
  }

  /** What early stopping looks at. */
  PolicyVitals vitals() {
    return new PolicyVitals(klNats, meanSpread, Math.max(0, entropyNats), meanCompletionTokens, 0);
  }

  /** Mean harm probability by the first constraint. */
  public double meanCost() {
    return constraints.getFirst().meanCost();
  }

  /** What the first constraint's multiplier reacted to; null if it has none. */
  public @Nullable Double pessimisticCost() {
    return constraints.getFirst().bound();
  }

  /** The first constraint's price after the iteration; null with the constraint off. */
  public @Nullable Double lambda() {
    return constraints.getFirst().lambda();
  }
}
