package io.ballast.reward.core;

import io.ballast.inference.scoring.ScoringModel;
import io.ballast.kit.call.PinnedVersion;
import java.util.List;
import java.util.Optional;
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
 * @param objectives of which a member's raw score is the weighted sum, each with K members; empty
 *     if a member's score is one head's
 * @param owner the tenant that trained it for itself; empty: it is everybody's
 */
public record Ensemble(
    PinnedVersion id,
    List<Member> members,
    OptionalInt promptTokens,
    OptionalDouble heldOutAccuracy,
    List<Objective> objectives,
    Optional<String> owner)
    implements ScoringModel {
  public Ensemble {
    members = List.copyOf(members);
    objectives = List.copyOf(objectives);
    if (members.isEmpty()) {
      throw new IllegalArgumentException("members: none (expected: at least one)");
    }
  }

  /** Members of one head each, everybody's. */
  public Ensemble(
      PinnedVersion id,
      List<Member> members,
      OptionalInt promptTokens,
      OptionalDouble heldOutAccuracy) {
    this(id, members, promptTokens, heldOutAccuracy, List.of(), Optional.empty());
  }

  /**
   * What takes the gap of a member's raw scores to log-odds: its inverse temperature; 1, as it was
   * trained, where none was measured. Empty if its scores are sums of objectives, whose gaps mean
   * nothing of the kind until preferences have told it.
   */
  public OptionalDouble logOddsScale(int member) {
    OptionalDouble measured = members.get(member).inverseTemperature();
    return measured.isPresent() || !objectives.isEmpty() ? measured : OptionalDouble.of(1);
  }
}
