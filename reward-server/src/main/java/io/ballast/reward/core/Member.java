package io.ballast.reward.core;

import io.ballast.kit.call.PinnedVersion;
import io.ballast.rl.aggregation.MemberScale;

/**
 * One reward model of an ensemble.
 *
 * @param id its name and version
 * @param scale where its raw scores lie on completions of the reference policy
 * @param heldOutAccuracy in ranking two completions of one prompt, 0 to 1
 */
public record Member(PinnedVersion id, MemberScale scale, double heldOutAccuracy) {}
