package io.ballast.orchestrator.core.peer;

import io.ballast.orchestrator.core.spec.ModelRef;

/** Says, before a run is begun, what would keep it from ever having a cost. */
@FunctionalInterface
public interface CostCheck {
  /**
   * Asks for one cost in the way that the run will ask.
   *
   * @param path of the cost model in the run's spec, for messages
   * @param prompt one of the run's
   * @throws io.ballast.kit.error.MeshException what no waiting would mend, naming {@code path}:
   *     UNKNOWN_MODEL; PRECONDITION_FAILED if the model has no boundary between safe and unsafe;
   *     CORRUPT_WEIGHTS, DEPENDENCY_BROKEN. A server that is busy, loading or away is no failure:
   *     the run waits for it
   */
  void require(String tenant, String path, ModelRef model, String prompt);
}
