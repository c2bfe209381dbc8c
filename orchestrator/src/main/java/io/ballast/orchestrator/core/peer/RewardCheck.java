package io.ballast.orchestrator.core.peer;

import io.ballast.orchestrator.core.spec.RewardSpec;

/** Says, before a run is begun, what would keep it from ever having a reward. */
@FunctionalInterface
public interface RewardCheck {
  /**
   * Asks for one reward in the way that the run will ask.
   *
   * @param path of the reward in the run's spec, for messages
   * @param prompt one of the run's
   * @throws io.ballast.kit.error.MeshException what no waiting would mend, naming {@code path}:
   *     UNKNOWN_MODEL, PRECONDITION_FAILED, CORRUPT_WEIGHTS, DEPENDENCY_BROKEN; MALFORMED_REQUEST
   *     if a reward of this kind cannot be had for a prompt and a completion. A server that is
   *     busy, loading or away is no failure: the run waits for it
   */
  void require(String tenant, String path, RewardSpec spec, String prompt);
}
