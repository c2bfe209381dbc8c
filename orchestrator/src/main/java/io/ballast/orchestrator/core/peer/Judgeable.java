package io.ballast.orchestrator.core.peer;

import io.ballast.orchestrator.core.rollout.SampledCompletion;

/**
 * A completion of a prompt, to be judged.
 *
 * @param prompt the text
 * @param completion at least one token
 */
public record Judgeable(String prompt, SampledCompletion completion) {}
