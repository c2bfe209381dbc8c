package io.ballast.safety.core.cost;

/**
 * One item's cost and verdict.
 *
 * @param blocked whether the verdict is BLOCK
 */
public record JudgedItem(String itemId, Cost cost, boolean blocked) {}
