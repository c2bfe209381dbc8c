package io.ballast.reward.core;

import io.ballast.kit.call.PinnedVersion;
import io.ballast.rl.aggregation.MemberScale;
import java.util.OptionalDouble;

/**
 * One reward model of an ensemble.
 *
 * @param id its name and version
 * @param scale where its raw scores lie on completions of the reference policy
 * @param inverseTemperature 1/T, finite, ≥ 0: takes the gap of its raw scores of two completions to
 *     the log-odds that the first is preferred; empty if it was not measured
 * @param heldOutAccuracy in ranking two completions of one prompt, 0 to 1; empty where it was not
 *     measured
 */
public record Member(
    PinnedVersion id,
    MemberScale scale,
    OptionalDouble inverseTemperature,
    OptionalDouble heldOutAccuracy) {}
