package io.ballast.reward.core;

import io.ballast.inference.scoring.ScoringModel;
import io.ballast.kit.call.PinnedVersion;
import java.util.List;
import java.util.OptionalDouble;
import java.util.OptionalInt;

/**
 * K reward models that judge together.
 *
 * @param id name and version
 * @param members shape [K], K ≥ 1
 * @param promptTokens the most prompt tokens that it was trained to see; 0: all; empty: it does not
 *     say
 * @param heldOutAccuracy of the aggregated reward in ranking two completions of one prompt, 0 to 1;
 *     empty where it was not measured
 */
public record Ensemble(
    PinnedVersion id,
    List<Member> members,
    OptionalInt promptTokens,
    OptionalDouble heldOutAccuracy)
    implements ScoringModel {
  public Ensemble {
    members = List.copyOf(members);
    if (members.isEmpty()) {
      throw new IllegalArgumentException("members: none (expected: at least one)");
    }
  }
}
