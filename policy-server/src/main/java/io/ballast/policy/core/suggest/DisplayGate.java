package io.ballast.policy.core.suggest;

/** Who says whether to generate, and whether to show. */
public interface DisplayGate {
  /**
   * Stage 1, on the context alone.
   *
   * @param explorationSeed the same seed, the same decision
   * @throws PeerUnavailableException if it does not answer
   */
  GateStage decideGeneration(GateQuestion question, long explorationSeed);

  /**
   * Stage 2, on the context and the suggestion, with its reward and cost where they are known.
   *
   * @throws PeerUnavailableException if it does not answer
   */
  GateStage decideDisplay(GateQuestion question, Judgement suggestion, long explorationSeed);
}
