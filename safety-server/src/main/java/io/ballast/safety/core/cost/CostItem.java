package io.ballast.safety.core.cost;

import io.ballast.inference.scoring.Content;

/**
 * One completion to judge.
 *
 * @param itemId the caller's name for it; empty: its index
 * @param path where it stands in the request, such as {@code items[3]}
 */
public record CostItem(String itemId, String path, Content prompt, Content completion) {}
