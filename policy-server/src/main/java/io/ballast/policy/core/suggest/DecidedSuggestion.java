package io.ballast.policy.core.suggest;

import io.ballast.inference.api.Generation;
import io.ballast.inference.api.SamplingOptions;
import io.ballast.policy.core.feedback.Payload;
import java.time.Instant;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Everything that was known when a suggestion was decided.
 *
 * @param answer the answer, with the generated text even where nothing is shown
 * @param command what was asked
 * @param generation the candidate that was considered; absent if nothing was generated
 * @param sampling how it was drawn
 * @param decidedAt when
 * @param history what the gate was told of the user's earlier suggestions; empty: nothing
 */
public record DecidedSuggestion(
    SuggestAnswer answer,
    SuggestCommand command,
    @Nullable Generation generation,
    SamplingOptions sampling,
    Instant decidedAt,
    Optional<Payload> history) {}
