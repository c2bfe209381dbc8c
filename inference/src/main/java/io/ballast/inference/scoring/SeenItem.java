package io.ballast.inference.scoring;

import io.ballast.inference.api.TokenIds;
import io.ballast.kit.call.PromptCut;
import java.util.Optional;

/**
 * One completion as a scoring model sees it.
 *
 * @param prompt shape [P], P ≥ 1
 * @param completion shape [T], T ≥ 1; together at most the model's context
 * @param cut what is not seen of the prompt; empty if it is seen whole
 */
public record SeenItem(TokenIds prompt, TokenIds completion, Optional<PromptCut> cut) {}
