package io.ballast.safety.core.cost;

import io.ballast.inference.scoring.ScoringModel;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.rl.preference.PlattScaling;

/**
 * A cost model that can be asked: K sign-anchored heads on one trunk.
 *
 * @param id name, version, checksum of the heads
 * @param heads K, ≥ 1
 * @param calibration turns the highest head's score into a probability of harm
 */
public record CostModel(PinnedVersion id, int heads, PlattScaling calibration)
    implements ScoringModel {}
