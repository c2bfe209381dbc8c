package io.ballast.orchestrator.core.peer;

import io.ballast.orchestrator.core.spec.ModelRef;
import io.ballast.orchestrator.core.spec.RewardSpec;
import java.util.Optional;

/** Says, before a run is begun, what would keep it from ever having a reward. */
public interface RewardCheck {
  /**
   * Asks for one reward in the way that the run will ask.
   *
   * @param path of the reward in the run's spec, for messages
   * @param prompt one of the run's
   * @return the reward, or why there is none yet; empty if nobody answered
   * @throws io.ballast.kit.error.MeshException what no waiting would mend, naming {@code path}:
   *     UNKNOWN_MODEL, PRECONDITION_FAILED, CORRUPT_WEIGHTS, DEPENDENCY_BROKEN; MALFORMED_REQUEST
   *     if a reward of this kind cannot be had for a prompt and a completion, and if its
   *     aggregation is one for a composite, or NONE for an ensemble. A server that is busy, loading
   *     or away is no failure: the run waits for it
   */
  Optional<RewardOracle.Outcome> require(
      String tenant, String path, RewardSpec spec, String prompt);

  /**
   * Asks a composite for a component in the same way.
   *
   * @param path of the component in the run's spec, for messages
   * @throws io.ballast.kit.error.MeshException as {@link #require}; MALFORMED_REQUEST, naming the
   *     components that there are, if {@code component} is none of them
   */
  void requireComponent(
      String tenant, String path, ModelRef composite, String component, String prompt);
}
