package io.ballast.policy.core.suggest;

import io.ballast.inference.api.Generation;
import io.ballast.inference.api.SamplingOptions;
import io.ballast.policy.core.feedback.Payload;
import io.ballast.policy.core.version.Routed;
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
 * @param arm which of two versions of the alias generated, or would have
 * @param aliasRevision of the alias by which it was chosen; 0: a version was named
 */
public record DecidedSuggestion(
    SuggestAnswer answer,
    SuggestCommand command,
    @Nullable Generation generation,
    SamplingOptions sampling,
    Instant decidedAt,
    Optional<Payload> history,
    Routed.Arm arm,
    long aliasRevision) {
  /** The same with {@code degradation} more. */
  public DecidedSuggestion degraded(Degradation degradation) {
    return new DecidedSuggestion(
        answer.degraded(degradation),
        command,
        generation,
        sampling,
        decidedAt,
        history,
        arm,
        aliasRevision);
  }
}
