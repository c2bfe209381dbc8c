package io.ballast.safety.testing;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.kit.grpc.Replies;
import io.ballast.kit.grpc.StatusMapper;
import io.ballast.kit.grpc.VirtualThreadReplies;
import io.ballast.kit.postgres.Database;
import io.ballast.kit.runtime.MeshRuntime;
import io.ballast.kit.runtime.Role;
import io.grpc.Channel;
import io.grpc.ManagedChannel;
import io.grpc.inprocess.InProcessChannelBuilder;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.opentelemetry.api.OpenTelemetry;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.function.LongSupplier;

/** What a process gives to a safety-server, whose policy-server is away. */
public final class TestRuntime implements MeshRuntime, AutoCloseable {
  private final List<Path> modelFolders;
  private final Path dataFolder;
  private final VirtualThreadReplies replies =
      new VirtualThreadReplies(new StatusMapper("safety-server"), 256);
  private final Database database = TestDatabase.create();
  private final ManagedChannel policyServer = InProcessChannelBuilder.forName("nobody").build();
  private final MeterRegistry meters = new SimpleMeterRegistry();

  public TestRuntime(List<Path> modelFolders, Path dataFolder) {
    this.modelFolders = modelFolders;
    this.dataFolder = dataFolder;
  }

  @Override
  public Database database(String schema) {
    return database;
  }

  @Override
  public Channel peer(Role role) {
    assertThat(role).isEqualTo(Role.POLICY_SERVER);
    return policyServer;
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
    replies.close();
  }
}
