package io.ballast.orchestrator.core.learner;

import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.orchestrator.core.Faults;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * How much the open sessions of one tenant, or of all, may take together.
 *
 * @param tenant whose; null: everybody's
 * @param sessions how many may be open, at least 1
 * @param bytes how much memory they may have
 */
record SessionBound(@Nullable String tenant, int sessions, long bytes) {
  private static final String PROPERTY = "ballast.orchestrator.learner-";

  /** Whether sessions of {@code other} are counted. */
  boolean counts(String other) {
    return tenant == null || tenant.equals(other);
  }

  /** Whether one more fits. */
  boolean hasRoom(int open, long bytesWithIt) {
    return open < sessions && bytesWithIt <= bytes;
  }

  /**
   * Refuses what would not fit if nothing else were open: no matter of waiting.
   *
   * @throws MeshException PRECONDITION_FAILED
   */
  void requireFits(long alone) {
    if (alone > bytes) {
      throw Faults.precondition(
          "this session takes %,d bytes, limit %,d (%s%s): it never fits"
              .formatted(
                  alone,
                  bytes,
                  PROPERTY,
                  tenant == null ? "memory-bytes" : "memory-share-per-tenant"));
    }
  }

  /**
   * Says why one more does not fit, and what its caller can do.
   *
   * @param open how many are open
   * @param openBytes what these take
   * @param wantedBytes what it would take beside them
   */
  MeshException refusal(int open, long openBytes, long wantedBytes) {
    boolean tooMany = open >= sessions;
    String limit = tooMany ? Integer.toString(sessions) : "%,d bytes".formatted(bytes);
    String which = tooMany ? "sessions" : tenant == null ? "memory-bytes" : "memory-share";
    String property = PROPERTY + which + (tenant == null ? "" : "-per-tenant");
    String whose = tenant == null ? "" : " of tenant '%s'".formatted(tenant);
    String remedy =
        tenant == null
            ? "ListSessions shows yours, CloseSession closes one"
            : "ListSessions shows them, CloseSession closes one";
    return new MeshException(
        Fault.OVERLOADED,
        "%d sessions%s with %,d bytes are in use, limit %s (%s), and this one takes %,d: %s"
            .formatted(open, whose, openBytes, limit, property, wantedBytes, remedy),
        tenant == null
            ? Map.of("sessions", Integer.toString(open), "limit", limit, "property", property)
            : Map.of(
                "tenant",
                tenant,
                "sessions",
                Integer.toString(open),
                "limit",
                limit,
                "property",
                property));
  }
}
