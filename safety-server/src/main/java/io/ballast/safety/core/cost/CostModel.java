package io.ballast.safety.core.cost;

import io.ballast.inference.scoring.ScoringModel;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.rl.preference.PlattScaling;
import java.util.OptionalInt;

/**
 * A cost model that can be asked: K sign-anchored heads on one trunk.
 *
 * @param id name, version, checksum of the heads
 * @param heads K, ≥ 1
 * @param promptTokens the most prompt tokens that it was trained to see; 0: all; empty: it does not
 *     say
 * @param calibration turns the highest head's score into a probability of harm
 */
public record CostModel(
    PinnedVersion id, int heads, OptionalInt promptTokens, PlattScaling calibration)
    implements ScoringModel {}
