package io.ballast.reward.core;

import io.ballast.inference.scoring.Content;

/**
 * One completion to score.
 *
 * @param itemId the caller's name for it; empty: its index
 * @param path where it stands in the request, such as {@code items[3]}
 */
public record ScoreItem(String itemId, String path, Content prompt, Content completion) {}
