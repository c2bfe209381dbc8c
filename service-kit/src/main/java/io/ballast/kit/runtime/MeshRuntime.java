package io.ballast.kit.runtime;

import io.ballast.kit.audit.Configuration;
import io.ballast.kit.grpc.Replies;
import io.ballast.kit.outbox.Outbox;
import io.ballast.kit.postgres.Database;
import io.grpc.Channel;
import io.micrometer.core.instrument.MeterRegistry;
import io.opentelemetry.api.OpenTelemetry;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.function.LongSupplier;

/** What a process gives to each server in it: everything that has to do with the world outside. */
public interface MeshRuntime {
  /** The database with the service's own schema, migrated from {@code classpath:db/<schema>}. */
  Database database(String schema);

  /**
   * Where what happens in the server that plays {@code role} is written for others, in the
   * transaction in which it happens in {@code database}, its own.
   */
  default Outbox outbox(Role role, Database database) {
    return Outbox.none();
  }

  /**
   * A channel to the server that plays {@code role}, with deadline, request id, tracing, breaker,
   * bulkhead and retry budget in place; loopback within one process too.
   */
  Channel peer(Role role);

  /** The folders that models are read from, in the order of search; the first may be written. */
  List<Path> modelFolders();

  /** The folder that this mesh may write. */
  Path dataFolder();

  /**
   * Whether the database is this mesh's own, in its data folder: one person's computer, where a
   * server may make what operators give elsewhere.
   */
  default boolean ownsDatabase() {
    return false;
  }

  /**
   * The process's configuration, without secrets, for the audit trail: roles and limits come from
   * there. Empty: nobody keeps it.
   */
  default Optional<Configuration> configuration() {
    return Optional.empty();
  }

  /** Completes observers, whatever happens. */
  Replies replies();

  /** The time of day. */
  InstantSource clock();

  /** A monotonic clock in nanoseconds. */
  LongSupplier nanoTime();

  /** Where metrics go. */
  MeterRegistry meters();

  /** Where traces go. */
  OpenTelemetry telemetry();
}
