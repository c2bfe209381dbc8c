package io.ballast.inference.search;

import io.ballast.inference.api.TokenIds;

/**
 * A completion that was found.
 *
 * @param tokens without the token that ended it
 * @param logProb nats, of all its tokens and of the one that ended it
 * @param score the log-probability over the length to the power α, by which beams are ranked
 * @param ended whether the model ended it; otherwise its tokens ran out
 */
public record Beam(TokenIds tokens, double logProb, double score, boolean ended) {}
