package io.ballast.orchestrator.testing;

import io.ballast.kit.grpc.Replies;
import io.ballast.kit.grpc.StatusMapper;
import io.ballast.kit.grpc.VirtualThreadReplies;
import io.ballast.kit.postgres.Database;
import io.ballast.kit.runtime.MeshRuntime;
import io.ballast.kit.runtime.Role;
import io.grpc.Channel;
import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.inprocess.InProcessChannelBuilder;
import io.grpc.inprocess.InProcessServerBuilder;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.opentelemetry.api.OpenTelemetry;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.function.LongSupplier;

/** What a process gives to an orchestrator, beside a fake policy-server. */
public final class TestRuntime implements MeshRuntime, AutoCloseable {
  private final List<Path> modelFolders;
  private final Path dataFolder;
  private final VirtualThreadReplies replies =
      new VirtualThreadReplies(new StatusMapper("orchestrator"), 256);
  private final Database database = TestDatabase.create();
  private final ManagedChannel nobody = InProcessChannelBuilder.forName("nobody").build();
  private final Server server;
  private final ManagedChannel policyServer;
  private final MeterRegistry meters = new SimpleMeterRegistry();

  public TestRuntime(List<Path> modelFolders, Path dataFolder) {
    this.modelFolders = modelFolders;
    this.dataFolder = dataFolder;
    String name = InProcessServerBuilder.generateName();
    InProcessServerBuilder builder = InProcessServerBuilder.forName(name);
    new FakePolicyServer(modelFolders.getFirst()).services().forEach(builder::addService);
    try {
      server = builder.build().start();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    policyServer = InProcessChannelBuilder.forName(name).build();
  }

  @Override
  public Database database(String schema) {
    return database;
  }

  @Override
  public Channel peer(Role role) {
    return role == Role.POLICY_SERVER ? policyServer : nobody;
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
    policyServer.shutdownNow();
    nobody.shutdownNow();
    server.shutdownNow();
    replies.close();
  }
}
