package io.ballast.safety.core.gate;

import io.ballast.rl.gate.CascadeRule;
import io.ballast.rl.gate.DisplayGate;
import io.ballast.rl.gate.GateGuarantee;
import io.ballast.rl.gate.GateThresholds;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What a gate model's {@code gate.json} says.
 *
 * @param stage which stage the model decides
 * @param features the names of what its trees were trained on, in the order of the vector
 * @param calibration of the trees' log-odds
 * @param threshold the probability of acceptance below which the stage withholds, 0 to 1; 0 never
 * @param referEntropyBits stage 1 refers at and above this entropy, 0 to 1; 0 in stage 2
 * @param secondLook whether stage 2 judges what stage 1 passes too; both stages say the same
 * @param guarantee what was proven of both stages' lines together, on examples that fixed nothing
 * @param explorationShare the share of what would be withheld that is let through, 0 to 1
 * @param heldOut figures on files that trained nothing, by name, finite
 */
public record GateSpec(
    GateStage stage,
    List<String> features,
    GateCalibration calibration,
    double threshold,
    double referEntropyBits,
    boolean secondLook,
    Optional<GateGuarantee> guarantee,
    double explorationShare,
    Map<String, Double> heldOut) {
  /** Checks the ranges above. */
  public GateSpec {
    features = List.copyOf(features);
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
   * A model of {@code stage} on the features of this build, whose lines promise nothing and are
   * followed by a second look.
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
        stage.featureNames(),
        calibration,
        threshold,
        referEntropyBits,
        true,
        Optional.empty(),
        explorationShare,
        heldOut);
  }

  /** The same model with another reading and what was proven of its lines. */
  public GateSpec read(boolean otherSecondLook, Optional<GateGuarantee> proven) {
    return new GateSpec(
        stage,
        features,
        calibration,
        threshold,
        referEntropyBits,
        otherSecondLook,
        proven,
        explorationShare,
        heldOut);
  }

  /** The gate that draws this model's lines. */
  DisplayGate gate() {
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
