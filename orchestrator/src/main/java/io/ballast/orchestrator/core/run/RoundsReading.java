package io.ballast.orchestrator.core.run;

/**
 * How an iteration got the groups that it learns from, where those without a signal are left out.
 *
 * @param roundsCount how often it sampled, ≥ 1
 * @param sampledGroupsCount prompts that were sampled from, in all rounds
 * @param keptGroupsCount those of which enough was judged and whose completions are not all worth
 *     the same, harm included; at most P
 */
public record RoundsReading(int roundsCount, int sampledGroupsCount, int keptGroupsCount) {}
