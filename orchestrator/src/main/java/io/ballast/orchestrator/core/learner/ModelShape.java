package io.ballast.orchestrator.core.learner;

/**
 * What a sequence must fit into.
 *
 * @param contextTokens the most tokens of prompt and completion together
 * @param vocabularySize the number of token ids
 */
public record ModelShape(int contextTokens, int vocabularySize) {}
