package io.ballast.kit.postgres;

import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import java.time.Duration;
import java.util.Map;

/**
 * How PostgreSQL is used.
 *
 * @param maxConnections of each service, ≥ 1
 * @param connectTimeout how long a call waits for a connection before it fails, ≥ 250 ms
 */
public record PostgresSettings(int maxConnections, Duration connectTimeout) {
  private static final Duration SHORTEST_WAIT = Duration.ofMillis(250);

  /** Checks the ranges. */
  public PostgresSettings {
    require(maxConnections >= 1, "ballast.database.max-connections", maxConnections, "≥ 1");
    require(
        connectTimeout.compareTo(SHORTEST_WAIT) >= 0,
        "ballast.database.connect-timeout",
        connectTimeout,
        "≥ PT0.25S");
  }

  /** 8 connections for each service, 2 s. */
  public static PostgresSettings defaults() {
    return new PostgresSettings(8, Duration.ofSeconds(2));
  }

  private static void require(boolean holds, String name, Object value, String allowed) {
    if (!holds) {
      throw new MeshException(
          Fault.MALFORMED_REQUEST,
          "%s: %s (allowed: %s)".formatted(name, value, allowed),
          Map.of("field", name, "value", value.toString(), "allowed", allowed));
    }
  }
}
