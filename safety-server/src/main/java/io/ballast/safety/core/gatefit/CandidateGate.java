package io.ballast.safety.core.gatefit;

import io.ballast.rl.gate.DisplayGate;
import io.ballast.rl.gate.GateOutcome;
import io.ballast.safety.core.gate.AcceptModel;
import io.ballast.safety.core.gate.GateFeatures;
import io.ballast.safety.core.gate.GateStage;
import java.util.OptionalDouble;

/** Two stages that do not serve yet, asked what they would do. */
public final class CandidateGate {
  private final AcceptModel one;
  private final AcceptModel two;

  /**
   * A gate.
   *
   * @param one stage 1's model
   * @param two stage 2's model
   */
  public CandidateGate(AcceptModel one, AcceptModel two) {
    if (one.spec().stage() != GateStage.CONTEXT || two.spec().stage() != GateStage.SUGGESTION) {
      throw new IllegalArgumentException(
          "stages: %s, %s (expected: CONTEXT, SUGGESTION)"
              .formatted(one.spec().stage(), two.spec().stage()));
    }
    this.one = one;
    this.two = two;
  }

  /**
   * What it would do.
   *
   * @param shows the probability with which it shows, 0 to 1; empty: it would generate, and what
   *     that would give is not in the log
   * @param accept the probability of acceptance that it sees; empty: as above
   */
  public record Doing(OptionalDouble shows, OptionalDouble accept) {}

  /** Returns what it would do at a logged position. */
  public Doing at(LoggedSuggestion logged) {
    float[] place = GateFeatures.context(one.spec().featureSet(), logged.context());
    DisplayGate gate = one.spec().gate();
    GateOutcome first = GateOutcome.REFER; // where it lacks what it needs it hides nothing
    double p1 = probability(one, place);
    if (GateFeatures.missing(one, place).isEmpty()) {
      first = gate.rule().stageOne(p1);
    }
    OptionalDouble p2 = OptionalDouble.empty();
    boolean hides = false;
    if (logged.suggestion().isPresent()) {
      float[] whole =
          GateFeatures.suggestion(
              two.spec().featureSet(), logged.context(), logged.suggestion().get());
      p2 = OptionalDouble.of(probability(two, whole));
      hides =
          GateFeatures.missing(two, whole).isEmpty()
              && two.spec().gate().rule().stageTwo(p2.getAsDouble()) == GateOutcome.WITHHOLD;
    }
    if (first == GateOutcome.WITHHOLD) {
      return new Doing(OptionalDouble.of(gate.explorationShare()), p2);
    }
    if (!gate.needsSecondLook(first)) {
      return new Doing(OptionalDouble.of(1), p2);
    }
    if (p2.isEmpty()) {
      return new Doing(OptionalDouble.empty(), p2);
    }
    return new Doing(OptionalDouble.of(hides ? two.spec().gate().explorationShare() : 1), p2);
  }

  private static double probability(AcceptModel model, float[] features) {
    return model.spec().calibration().probability(model.logOdds(features));
  }
}
