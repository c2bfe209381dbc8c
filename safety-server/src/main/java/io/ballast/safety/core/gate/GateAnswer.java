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
 * @param logOdds the trees' log-odds, before calibration
 * @param contributions what moved the estimate; empty if not asked for
 * @param flags what is to be known of it
 * @param missing the features that were missing although the model asks for them
 * @param guarantee what was proven of both stages' lines together
 * @param other the other stage's model, with which a guarantee had to agree; empty where none was
 *     looked at
 * @param rule how it was decided
 * @param explorationSeed what drew exploration
 */
public record GateAnswer(
    GateDecision decision,
    PinnedVersion model,
    String folderSha256,
    FeatureSet features,
    boolean skipsStageTwo,
    double logOdds,
    Optional<Contributions> contributions,
    Set<GateFlag> flags,
    List<String> missing,
    Optional<GateGuarantee> guarantee,
    Optional<OtherStage> other,
    StageRule rule,
    long explorationSeed) {
  /**
   * The other stage's model.
   *
   * @param model its version
   * @param folderSha256 of its folder
   */
  public record OtherStage(PinnedVersion model, String folderSha256) {}

  /** Copies the collections. */
  public GateAnswer {
    flags = Set.copyOf(flags);
    missing = List.copyOf(missing);
  }
}
