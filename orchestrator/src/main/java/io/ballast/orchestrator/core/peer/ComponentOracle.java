package io.ballast.orchestrator.core.peer;

import io.ballast.orchestrator.core.spec.ModelRef;
import java.util.List;
import java.util.OptionalDouble;

/** Tells what one component of a composite reward says of completions. Idempotent. */
@FunctionalInterface
public interface ComponentOracle {
  /**
   * Asks about every item.
   *
   * @param component its name in the composite
   * @return in the component's own unit, in the order of the items; empty where it has no value
   * @throws io.ballast.kit.error.MeshException if the call failed as a whole
   */
  List<OptionalDouble> values(
      String tenant, ModelRef composite, String component, List<Judgeable> items);
}
