package io.ballast.orchestrator.core.rollout;

/**
 * A completion with its reward and its cost.
 *
 * @param completion what was sampled; at least one token
 * @param reward aggregated, higher is better
 * @param spread the members' standard deviation, ≥ 0
 * @param cost harm probability, 0 to 1; 1 where the safety-server could not say
 */
public record JudgedCompletion(
    SampledCompletion completion, double reward, double spread, double cost) {}
