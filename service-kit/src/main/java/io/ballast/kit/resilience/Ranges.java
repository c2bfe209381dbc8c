package io.ballast.kit.resilience;

import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import java.util.Map;

/** Checks what an operator set. */
final class Ranges {
  private Ranges() {}

  /**
   * Requires that {@code value} is in its range.
   *
   * @throws MeshException MALFORMED_REQUEST, naming it and what is allowed
   */
  static void require(boolean holds, String name, Object value, String allowed) {
    if (!holds) {
      throw new MeshException(
          Fault.MALFORMED_REQUEST,
          "%s: %s (allowed: %s)".formatted(name, value, allowed),
          Map.of("field", name, "value", value.toString(), "allowed", allowed));
    }
  }
}
