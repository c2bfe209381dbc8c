package io.ballast.policy.core.suggest;

import io.ballast.policy.core.feedback.Payload;
import io.ballast.policy.core.suggest.PeerPolicy.WhenDown;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * One call's dealings with the display gate. Used by one thread.
 *
 * <p>Stage 2 has the last word on whatever stage 1 refers, and on what it passes unless the gate's
 * lines were drawn to show that unseen: a gate keeps its promise only if it is asked as it was
 * fitted. What stage 1 explores is shown without stage 2, so that the outcome tells whether stage 1
 * was right. The two stages of an answer are of one gate: if the gate was swapped between them,
 * stage 1 is asked again. A gate that failed once is not asked again by the same call.
 */
final class GateConsultation {
  private static final int MOST_QUESTIONS = 4;
  private static final Degradation SWAPPED =
      new Degradation(
          Degradation.SAFETY_SERVER,
          "its gate is being swapped: the two stages are not of one gate");

  private final DisplayGate gate;
  private final SuggestCommand command;
  private final GateQuestion question;
  private final WhenDown whenDown;
  private final long seed;
  private @Nullable GateStage stageOne;
  private @Nullable GateStage stageTwo;
  private @Nullable Degradation degradation;

  /**
   * @param history what the user did before
   */
  GateConsultation(
      DisplayGate gate,
      SuggestCommand command,
      Optional<Payload> history,
      WhenDown whenDown,
      long seed) {
    this.gate = gate;
    this.command = command;
    this.question = new GateQuestion(command.caller(), command.user(), command.prompt(), history);
    this.whenDown = whenDown;
    this.seed = seed;
  }

  /** Asks stage 1. Returns the ruling if nothing is to be generated. */
  Optional<Ruling> beforeGeneration() {
    if (command.gateMode() == GateMode.OFF) {
      return Optional.empty();
    }
    try {
      stageOne = gate.decideGeneration(question, GateSeeds.stageOne(seed));
    } catch (PeerUnavailableException e) {
      degradation = Degradation.of(e);
      return enforced() && whenDown == WhenDown.CLOSED
          ? Optional.of(new Ruling(Decision.WITHHOLD, DecisionReason.GATE_UNAVAILABLE))
          : Optional.empty();
    }
    return enforced() && stageOne.outcome() == GateStage.Outcome.WITHHOLD
        ? Optional.of(new Ruling(Decision.WITHHOLD, DecisionReason.CONTEXT_LIKELY_REJECTED))
        : Optional.empty();
  }

  /** Asks stage 2, if it has a say, and rules. */
  Ruling afterGeneration(Judgement suggestion) {
    Optional<Ruling> unseen = shownUnseen();
    if (unseen.isPresent()) {
      return unseen.get();
    }
    if (command.gateMode() != GateMode.OFF && degradation == null) {
      try {
        GateStage two = gate.decideDisplay(question, suggestion, GateSeeds.stageTwo(seed));
        if (stageOneIsOfOneGateWith(two)) {
          Optional<Ruling> other = otherwiseByStageOne();
          if (other.isPresent()) {
            return other.get();
          }
          stageTwo = two;
        } else {
          degradation = SWAPPED;
        }
      } catch (PeerUnavailableException e) {
        degradation = Degradation.of(e);
      }
    }
    return rule();
  }

  /** What stage 1 lets through without stage 2. */
  private Optional<Ruling> shownUnseen() {
    if (!enforced() || stageOne == null) {
      return Optional.empty();
    }
    if (stageOne.outcome() == GateStage.Outcome.EXPLORE) {
      return Optional.of(new Ruling(Decision.SHOW, DecisionReason.EXPLORED));
    }
    return stageOne.outcome() == GateStage.Outcome.PASS && stageOne.skipsStageTwo()
        ? Optional.of(new Ruling(Decision.SHOW, DecisionReason.LIKELY_ACCEPTED))
        : Optional.empty();
  }

  /** What stage 1 of the gate that answered last has to say, where stage 2 is not to be asked. */
  private Optional<Ruling> otherwiseByStageOne() {
    return enforced() && stageOne != null && stageOne.outcome() == GateStage.Outcome.WITHHOLD
        ? Optional.of(new Ruling(Decision.WITHHOLD, DecisionReason.CONTEXT_LIKELY_REJECTED))
        : shownUnseen();
  }

  /**
   * Another gate may serve than when stage 1 was asked, and what was proven is of a pair. While
   * replicas of both are asked in turn, a pair turns up soon.
   */
  private boolean stageOneIsOfOneGateWith(GateStage two) {
    for (int i = 0; i < MOST_QUESTIONS; i++) {
      if (stageOne == null || stageOne.isOfOneGateWith(two)) {
        return true;
      }
      stageOne = gate.decideGeneration(question, GateSeeds.stageOne(seed));
    }
    return stageOne == null || stageOne.isOfOneGateWith(two);
  }

  private Ruling rule() {
    if (!enforced()) {
      return new Ruling(Decision.SHOW, DecisionReason.GATE_NOT_ENFORCED);
    }
    if (stageTwo == null) {
      Decision decision = whenDown == WhenDown.OPEN ? Decision.SHOW : Decision.WITHHOLD;
      return new Ruling(decision, DecisionReason.GATE_UNAVAILABLE);
    }
    return switch (stageTwo.outcome()) {
      case PASS, REFER -> new Ruling(Decision.SHOW, DecisionReason.LIKELY_ACCEPTED);
      case EXPLORE -> new Ruling(Decision.SHOW, DecisionReason.EXPLORED);
      case WITHHOLD -> new Ruling(Decision.WITHHOLD, DecisionReason.SUGGESTION_LIKELY_REJECTED);
    };
  }

  /**
   * The probability of the decision in this situation: the product of the stages' propensities
   * where the gate is enforced, else 1, for then its draws change nothing.
   */
  double propensity() {
    double propensity = 1;
    if (enforced()) {
      propensity *= stageOne == null ? 1 : stageOne.propensity();
      propensity *= stageTwo == null ? 1 : stageTwo.propensity();
    }
    return propensity;
  }

  /** What the gate was told of the user. */
  Optional<Payload> history() {
    return question.history();
  }

  @Nullable GateStage stageOne() {
    return stageOne;
  }

  @Nullable GateStage stageTwo() {
    return stageTwo;
  }

  List<Degradation> degradations() {
    return degradation == null ? List.of() : List.of(degradation);
  }

  private boolean enforced() {
    return command.gateMode() == GateMode.ENFORCE;
  }
}
