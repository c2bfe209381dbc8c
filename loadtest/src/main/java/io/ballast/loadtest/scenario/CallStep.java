package io.ballast.loadtest.scenario;

import java.time.Duration;

/**
 * One kind of call in a mix.
 *
 * @param name unique in the mix
 * @param weight its share is this, divided by the sum of all
 * @param tenant on whose behalf
 * @param timeout deadline of one call
 * @param gate what the gate may do; of suggestions
 * @param withReward whether a suggestion asks the reward-server
 * @param withCost whether a suggestion asks the safety-server
 * @param items completions of a Score
 * @param readEvery how long a stream's reader lets each message wait; zero: it reads at once
 * @param event what a Feedback says
 * @param probe whether every answer must be the one that the same question was given before the
 *     load
 * @param probeTolerance by how much a probed score may differ, relative to its size, at least 0
 */
public record CallStep(
    String name,
    CallKind kind,
    double weight,
    String tenant,
    Lane lane,
    Duration timeout,
    Gate gate,
    boolean withReward,
    boolean withCost,
    int items,
    Duration readEvery,
    FeedbackKind event,
    boolean probe,
    double probeTolerance) {
  /** The same of a reader that lets no message wait. */
  public CallStep readAtOnce() {
    return new CallStep(
        name,
        kind,
        weight,
        tenant,
        lane,
        timeout,
        gate,
        withReward,
        withCost,
        items,
        Duration.ZERO,
        event,
        probe,
        probeTolerance);
  }
}
