package io.ballast.orchestrator.core.peer;

import io.ballast.kit.call.PinnedVersion;
import io.ballast.orchestrator.core.spec.ModelRef;
import java.util.List;
import java.util.OptionalDouble;

/** Judges harm. Idempotent. */
@FunctionalInterface
public interface CostOracle {
  /**
   * Judges every item.
   *
   * @throws io.ballast.kit.error.MeshException if the call failed as a whole
   */
  Answer cost(String tenant, ModelRef model, List<Judgeable> items);

  /**
   * What was judged, by whom.
   *
   * @param costs harm probabilities, 0 to 1, in the order of the items; empty where there is none
   * @param model with the checksum of its weights
   */
  record Answer(List<OptionalDouble> costs, PinnedVersion model) {
    /** Copies the list. */
    public Answer {
      costs = List.copyOf(costs);
    }
  }
}
