package io.ballast.orchestrator.core.rollout;

import java.util.OptionalDouble;

/**
 * A completion with its reward and its cost.
 *
 * @param completion what was sampled; at least one token
 * @param reward aggregated, higher is better
 * @param spread the members' standard deviation, ≥ 0; empty of a composite, which has none
 * @param cost harm probability, 0 to 1; 1 where the safety-server could not say
 */
public record JudgedCompletion(
    SampledCompletion completion, double reward, OptionalDouble spread, double cost) {}
