package io.ballast.safety.core.gate;

import io.ballast.rl.gate.CascadeRule;
import io.ballast.rl.gate.DisplayGate;
import io.ballast.rl.gate.GateGuarantee;
import io.ballast.rl.gate.GateThresholds;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * What a gate model's {@code gate.json} says.
 *
 * @param stage which stage the model decides
 * @param featureSet what its trees were trained on
 * @param features the names of that, in the order of the vector
 * @param sometimesMissing of those, which were missing in some of the examples it was trained with
 * @param calibration of the trees' log-odds
 * @param threshold the probability of acceptance below which the stage withholds, 0 to 1; 0 never
 * @param referEntropyBits stage 1 refers at and above this entropy, 0 to 1; 0 in stage 2
 * @param secondLook whether stage 2 judges what stage 1 passes too; both stages say the same
 * @param guarantee what was proven of both stages' lines together, on examples that fixed nothing
 * @param pairSha256 the same in both stages' folders if they were made together; empty: not said
 * @param explorationShare the share of what would be withheld that is let through, 0 to 1
 * @param heldOut figures on files that trained nothing, by name, finite
 */
public record GateSpec(
    GateStage stage,
    FeatureSet featureSet,
    List<String> features,
    Set<String> sometimesMissing,
    GateCalibration calibration,
    double threshold,
    double referEntropyBits,
    boolean secondLook,
    Optional<GateGuarantee> guarantee,
    Optional<String> pairSha256,
    double explorationShare,
    Map<String, Double> heldOut) {
  /** Checks the ranges above. */
  public GateSpec {
    features = List.copyOf(features);
    sometimesMissing = Set.copyOf(sometimesMissing);
    if (!Set.copyOf(features).containsAll(sometimesMissing)) {
      throw new IllegalArgumentException(
          "sometimes_missing: %s (expected: some of the features)".formatted(sometimesMissing));
    }
    heldOut = Map.copyOf(heldOut);
    requireProbability("threshold", threshold);
    requireProbability("refer_entropy_bits", referEntropyBits);
    requireProbability("exploration_share", explorationShare);
    if (stage == GateStage.SUGGESTION && referEntropyBits != 0) {
      throw new IllegalArgumentException(
          "refer_entropy_bits: " + referEntropyBits + " (expected: 0 in stage SUGGESTION)");
    }
    heldOut.forEach(
        (name, value) -> {
          if (!Double.isFinite(value)) {
            throw new IllegalArgumentException(
                "held_out.%s: %s (expected: finite)".formatted(name, value));
          }
        });
  }

  /**
   * A model of {@code stage} on the texts alone, whose lines promise nothing and are followed by a
   * second look.
   *
   * @throws IllegalArgumentException if a number is out of its range, naming it
   */
  public static GateSpec of(
      GateStage stage,
      GateCalibration calibration,
      double threshold,
      double referEntropyBits,
      double explorationShare,
      Map<String, Double> heldOut) {
    return new GateSpec(
        stage,
        FeatureSet.TEXT,
        FeatureSet.TEXT.names(stage),
        Set.of(),
        calibration,
        threshold,
        referEntropyBits,
        true,
        Optional.empty(),
        Optional.empty(),
        explorationShare,
        heldOut);
  }

  /** The same model on other features, of which some were missing at times. */
  public GateSpec on(FeatureSet set, Set<String> missing) {
    return new GateSpec(
        stage,
        set,
        set.names(stage),
        missing,
        calibration,
        threshold,
        referEntropyBits,
        secondLook,
        guarantee,
        pairSha256,
        explorationShare,
        heldOut);
  }

  /** The same model with another reading and what was proven of its lines. */
  public GateSpec read(boolean otherSecondLook, Optional<GateGuarantee> proven) {
    return new GateSpec(
        stage,
        featureSet,
        features,
        sometimesMissing,
        calibration,
        threshold,
        referEntropyBits,
        otherSecondLook,
        proven,
        pairSha256,
        explorationShare,
        heldOut);
  }

  /** The same model, made together with another stage's: {@code pair} is the same in both. */
  public GateSpec paired(String pair) {
    return new GateSpec(
        stage,
        featureSet,
        features,
        sometimesMissing,
        calibration,
        threshold,
        referEntropyBits,
        secondLook,
        guarantee,
        Optional.of(pair),
        explorationShare,
        heldOut);
  }

  /** Whether what was proven of one model's lines holds of both: they were made together. */
  public boolean isPairedWith(GateSpec other) {
    return pairSha256.isPresent()
        && pairSha256.equals(other.pairSha256)
        && guarantee.equals(other.guarantee)
        && stage != other.stage;
  }

  /** The gate that draws this model's lines. */
  public DisplayGate gate() {
    GateThresholds thresholds =
        switch (stage) {
          case CONTEXT -> new GateThresholds(referEntropyBits, threshold, 0);
          case SUGGESTION -> new GateThresholds(0, 0, threshold);
        };
    return new DisplayGate(new CascadeRule(thresholds, secondLook), explorationShare);
  }

  private static void requireProbability(String name, double value) {
    boolean holds = value >= 0 && value <= 1;
    if (!holds) {
      throw new IllegalArgumentException(name + ": " + value + " (expected: 0 to 1)");
    }
  }
}
