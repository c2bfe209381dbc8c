package io.ballast.orchestrator.core.peer;

import java.util.List;

/** Says, before a run is begun, whether its safety test could still look at its prompts. */
@FunctionalInterface
public interface LookCheck {
  /**
   * Looks for the set in the ledger. Others that share a prompt with it are found when the test
   * starts.
   *
   * @param path of the prompts in the run's spec, for messages
   * @throws io.ballast.kit.error.MeshException PRECONDITION_FAILED, naming {@code path}, if no
   *     further look is possible. A server that is busy or away is no failure
   */
  void require(String tenant, String path, List<String> prompts);
}
