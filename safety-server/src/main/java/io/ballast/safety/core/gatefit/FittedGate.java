package io.ballast.safety.core.gatefit;

import io.ballast.rl.bandit.OffPolicyEstimate;
import io.ballast.rl.gate.CascadeRule;
import io.ballast.rl.gate.CertifiedGate;
import io.ballast.rl.gate.GateCounts;
import io.ballast.rl.gate.GateGuarantee;
import io.ballast.rl.preference.ReliabilityBins;
import io.ballast.safety.core.gate.FeatureSet;
import io.ballast.safety.core.gate.GateCalibration;
import io.ballast.safety.core.gate.GateSpec;
import io.ballast.safety.core.gate.GateStage;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Both stages of a gate and what is known of them.
 *
 * @param features what they see
 * @param stages by stage
 * @param lines what is hidden, and what was proven of it
 * @param rules how many rules it was chosen from
 * @param measured what it does to examples of people who trained nothing
 * @param rejectedOfHidden of those, by user
 * @param sizes how many examples were used for what
 * @param trainedOn whose decisions made it
 */
public record FittedGate(
    FeatureSet features,
    Map<GateStage, Stage> stages,
    CertifiedGate lines,
    int rules,
    GateCounts measured,
    OffPolicyEstimate rejectedOfHidden,
    Sizes sizes,
    TrainedOn trainedOn) {
  /** Copies the map. */
  public FittedGate {
    stages = Map.copyOf(stages);
  }

  /**
   * A stage.
   *
   * @param trees what decides
   * @param calibration of their log-odds
   * @param missing the features that some training examples lacked
   * @param figures on people who trained nothing, by name
   * @param reliability of its probabilities on them
   */
  public record Stage(
      GrownTrees trees,
      GateCalibration calibration,
      Set<String> missing,
      Map<String, Double> figures,
      ReliabilityBins reliability) {}

  /**
   * How many examples of how many users were used for what. A user is in one part.
   *
   * @param train to grow trees
   * @param calibration to stop, calibrate and fix the rules
   * @param lines to decide among them
   * @param test to measure
   */
  public record Sizes(Part train, Part calibration, Part lines, Part test) {
    /** Users of all of them. */
    public int users() {
      return train.users() + calibration.users() + lines.users() + test.users();
    }
  }

  /**
   * A part.
   *
   * @param examples that were used, ≥ 1
   * @param users whose they are, ≥ 1
   */
  public record Part(int examples, int users) {}

  /** What is hidden; nothing if no lines keep to the target. */
  public CascadeRule rule() {
    return lines.served();
  }

  /** What was proven of it. */
  public Optional<GateGuarantee> guarantee() {
    return lines instanceof CertifiedGate.Certified found
        ? Optional.of(found.guarantee())
        : Optional.empty();
  }

  /** A stage. */
  public Stage stage(GateStage stage) {
    Stage found = stages.get(stage);
    if (found == null) {
      throw new IllegalArgumentException("stage " + stage + ": not trained");
    }
    return found;
  }

  /** What a stage's folder says, not yet paired. */
  public GateSpec spec(GateStage stage, double explorationShare) {
    Stage own = stage(stage);
    boolean first = stage == GateStage.CONTEXT;
    return GateSpec.of(
            stage,
            own.calibration(),
            first ? rule().thresholds().stageOne() : rule().thresholds().stageTwo(),
            first ? rule().thresholds().referEntropyBits() : 0,
            explorationShare,
            own.figures())
        .on(features, own.missing())
        .read(rule().secondLook(), guarantee());
  }
}
