package io.ballast.reward.component;

import io.ballast.kit.call.PinnedVersion;

/**
 * One version of a reward that is made of components.
 *
 * @param id name, version, checksum of its file
 */
public record Composite(PinnedVersion id, Recipe recipe) {}
