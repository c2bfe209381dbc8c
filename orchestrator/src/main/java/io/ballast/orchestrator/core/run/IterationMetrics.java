package io.ballast.orchestrator.core.run;

import io.ballast.orchestrator.core.watch.IterationWatch;
import java.time.Instant;
import java.util.OptionalDouble;
import org.jspecify.annotations.Nullable;

/**
 * What one iteration did. All numbers are finite.
 *
 * @param iteration counts from 1
 * @param samplesCount completions trained on
 * @param droppedCount completions dropped because a reward was missing, or their group fell below
 *     its floor
 * @param meanReward mean aggregated reward
 * @param meanSpread mean of the members' standard deviation over the samples that have one; empty
 *     if none has: a composite has no members
 * @param meanCost mean harm probability
 * @param pessimisticCost the bound that the multiplier reacted to; null with the constraint off
 * @param lambda the multiplier after the iteration; null with the constraint off
 * @param klNats mean KL(π ‖ π_ref) of a completion, k3, of the policy that sampled
 * @param entropyNats mean entropy of a token
 * @param meanCompletionTokens mean tokens of a completion
 * @param loss the objective's value at the first update
 * @param gradientNorm before clipping, at the first update
 * @param trainServeGapNats mean absolute difference between the policy-server's and the learner's
 *     log-probability of a sampled token
 * @param watch gold, its gap and the alarms
 * @param sampleSeconds for publishing and sampling
 * @param judgeSeconds for rewards, costs and gold
 * @param learnSeconds for forward, backward and step
 * @param committedAt when it became durable
 */
public record IterationMetrics(
    int iteration,
    int samplesCount,
    int droppedCount,
    double meanReward,
    OptionalDouble meanSpread,
    double meanCost,
    @Nullable Double pessimisticCost,
    @Nullable Double lambda,
    double klNats,
    double entropyNats,
    double meanCompletionTokens,
    double loss,
    double gradientNorm,
    double trainServeGapNats,
    IterationWatch watch,
    double sampleSeconds,
    double judgeSeconds,
    double learnSeconds,
    Instant committedAt) {}
