package io.ballast.reward.component;

import io.ballast.reward.core.RewardScorer;

/**
 * What components need of the process.
 *
 * @param ensembles scores by learned ensembles
 * @param tokens counts as an ensemble's tokenizer does
 * @param outside what is outside of this process
 */
public record Tools(RewardScorer ensembles, TokenCounts tokens, Outside outside) {}
