package io.ballast.safety.core.gate;

import io.ballast.kit.call.PinnedVersion;
import io.ballast.rl.gate.GateDecision;
import io.ballast.rl.gate.GateGuarantee;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * A stage's decision and what it rests on.
 *
 * @param model that answered
 * @param folderSha256 of its folder
 * @param features what it sees
 * @param skipsStageTwo whether what stage 1 lets through is shown without stage 2; false in stage 2
 * @param contributions what moved the estimate most, the strongest first; empty if not asked for
 * @param flags what is to be known of it
 * @param missing the features that were missing although the model asks for them
 * @param guarantee what was proven of both stages' lines together
 * @param rule how it was decided
 */
public record GateAnswer(
    GateDecision decision,
    PinnedVersion model,
    String folderSha256,
    FeatureSet features,
    boolean skipsStageTwo,
    List<Contribution> contributions,
    Set<GateFlag> flags,
    List<String> missing,
    Optional<GateGuarantee> guarantee,
    GateRuleKind rule) {
  /** Copies the collections. */
  public GateAnswer {
    contributions = List.copyOf(contributions);
    flags = Set.copyOf(flags);
    missing = List.copyOf(missing);
  }
}
