package io.ballast.testing;

import io.ballast.kit.grpc.Replies;
import io.ballast.kit.grpc.StatusMapper;
import io.ballast.kit.grpc.VirtualThreadReplies;
import io.ballast.kit.postgres.Database;
import io.ballast.kit.runtime.MeshRuntime;
import io.ballast.kit.runtime.Role;
import io.grpc.Channel;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.opentelemetry.api.OpenTelemetry;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.function.LongSupplier;

/**
 * What a process gives to a server under test: real replies, a day that never ends, metrics of its
 * own, no traces. It has no database and no peer; a test that gives them overrides the method.
 */
public class FixedRuntime implements MeshRuntime, AutoCloseable {
  private final Role server;
  private final List<Path> modelFolders;
  private final Path dataFolder;
  private final VirtualThreadReplies replies;
  private final MeterRegistry meters = new SimpleMeterRegistry();

  /** A runtime for the server that plays {@code server}, with these folders. */
  public FixedRuntime(Role server, List<Path> modelFolders, Path dataFolder) {
    this.server = server;
    this.modelFolders = modelFolders;
    this.dataFolder = dataFolder;
    this.replies = new VirtualThreadReplies(new StatusMapper(server.label()), 256);
  }

  @Override
  public Database database(String schema) {
    throw new AssertionError(server.label() + " keeps nothing in a database");
  }

  @Override
  public Channel peer(Role role) {
    throw new AssertionError(role.label() + " is no peer of " + server.label());
  }

  @Override
  public List<Path> modelFolders() {
    return modelFolders;
  }

  @Override
  public Path dataFolder() {
    return dataFolder;
  }

  @Override
  public Replies replies() {
    return replies;
  }

  @Override
  public InstantSource clock() {
    return InstantSource.fixed(Instant.EPOCH);
  }

  @Override
  public LongSupplier nanoTime() {
    return System::nanoTime;
  }

  @Override
  public MeterRegistry meters() {
    return meters;
  }

  @Override
  public OpenTelemetry telemetry() {
    return OpenTelemetry.noop();
  }

  @Override
  public void close() {
    replies.close();
  }
}
