package io.ballast.orchestrator.core.spec;

/**
 * What of a run's spec still counts when it has learned. It can be read of a spec, too, that a
 * newer version of this program would not learn from.
 *
 * @param watch over the rewards
 * @param promotion who promotes
 * @param alias what is promoted
 */
public record StandingSpec(WatchSpec watch, PromotionMode promotion, String alias) {}
