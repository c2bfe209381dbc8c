package io.ballast.inference.scoring;

import io.ballast.inference.api.TokenIds;

/**
 * What of one item goes into a model's queue.
 *
 * @param prompt what items may have in common
 * @param completion what is the item's own
 */
public record ScoringRow(TokenIds prompt, TokenIds completion) {}
