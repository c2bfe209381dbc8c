package io.ballast.policy.core.suggest;

import io.ballast.inference.api.Generation;
import io.ballast.kit.call.Caller;

/** Who says whether to generate, and whether to show. */
public interface DisplayGate {
  /**
   * Stage 1, on the context alone.
   *
   * @param explorationSeed the same seed, the same decision
   * @throws PeerUnavailableException if it does not answer
   */
  GateStage decideGeneration(Caller caller, String user, String prompt, long explorationSeed);

  /**
   * Stage 2, on the context and the suggestion.
   *
   * @throws PeerUnavailableException if it does not answer
   */
  GateStage decideDisplay(
      Caller caller, String user, String prompt, Generation suggestion, long explorationSeed);
}
