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
 * @param answerTimeout how long PostgreSQL may say nothing to a statement before its connection
 *     counts as dead, ≥ 250 ms
 */
public record PostgresSettings(
    int maxConnections, Duration connectTimeout, Duration answerTimeout) {
  private static final Duration SHORTEST_WAIT = Duration.ofMillis(250);
  private static final Duration ANSWER = Duration.ofSeconds(30);

  /** Checks the ranges. */
  public PostgresSettings {
    require(maxConnections >= 1, "ballast.database.max-connections", maxConnections, "≥ 1");
    require(
        connectTimeout.compareTo(SHORTEST_WAIT) >= 0,
        "ballast.database.connect-timeout",
        connectTimeout,
        "≥ PT0.25S");
    require(
        answerTimeout.compareTo(SHORTEST_WAIT) >= 0,
        "ballast.database.answer-timeout",
        answerTimeout,
        "≥ PT0.25S");
  }

  /** With 30 s for an answer. */
  public PostgresSettings(int maxConnections, Duration connectTimeout) {
    this(maxConnections, connectTimeout, ANSWER);
  }

  /** 8 connections for each service, 2 s, 30 s. */
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
