package io.ballast.safety.core;

import io.ballast.rl.gate.GateOutcome;
import io.ballast.safety.core.cost.CostAnswer;
import io.ballast.safety.core.gate.GateStage;
import java.util.function.Supplier;

/** Is told what the server decides. Must not throw and must not block. */
public interface SafetyMonitor {
  /** Runs one step of a call under a name. */
  <T> T watch(String step, Supplier<T> work);

  /** A stage of the gate has decided. */
  void gateDecided(GateStage stage, GateOutcome outcome);

  /** Costs have been answered. */
  void costsAnswered(CostAnswer answer);

  /** A safety test has ended, or was given up. */
  void testEnded(String state);

  /** Nobody: of what is tried out, nothing is told. */
  static SafetyMonitor nobody() {
    return new SafetyMonitor() {
      @Override
      public <T> T watch(String step, Supplier<T> work) {
        return work.get();
      }

      @Override
      public void gateDecided(GateStage stage, GateOutcome outcome) {}

      @Override
      public void costsAnswered(CostAnswer answer) {}

      @Override
      public void testEnded(String state) {}
    };
  }
}
