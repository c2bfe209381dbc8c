package io.ballast.policy.core.feedback;

import java.util.Optional;

/**
 * A decision with what had come of it when it was read.
 *
 * @param cursor give it back to go on after this decision
 * @param outcome the latest event that says whether the suggestion was taken
 * @param latestFeedback the latest event of any kind
 */
public record DecisionRecord(
    String cursor,
    Payload suggestion,
    Optional<Payload> outcome,
    Optional<Payload> latestFeedback) {}
