package io.ballast.reward.core;

/**
 * What one request may hold.
 *
 * @param items the most items, ≥ 1
 * @param textBytes the most bytes of one text in UTF-8, ≥ 1
 * @param promptTokens the most prompt tokens that a model sees which does not say how many; 0: as
 *     many as have room
 */
public record ItemLimits(int items, int textBytes, int promptTokens) {}
