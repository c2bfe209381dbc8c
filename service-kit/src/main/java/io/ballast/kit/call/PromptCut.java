package io.ballast.kit.call;

/**
 * What a model did not see of a prompt, because the caller allowed it.
 *
 * @param truncation which tokens were kept; not REFUSE
 * @param droppedTokens how many were dropped, ≥ 1
 * @param promptTokens how many there were
 */
public record PromptCut(Truncation truncation, int droppedTokens, int promptTokens) {}
