package io.ballast.safety.core.cost;

/**
 * What one request may hold.
 *
 * @param items the most items, ≥ 1
 * @param textBytes the most bytes of one text in UTF-8, ≥ 1
 * @param promptTokens the most prompt tokens used, the last ones; 0: as many as fit
 */
public record ItemLimits(int items, int textBytes, int promptTokens) {}
