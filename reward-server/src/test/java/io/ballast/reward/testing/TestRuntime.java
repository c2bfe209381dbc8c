package io.ballast.reward.testing;

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

/** What a process gives to a reward-server, which needs neither a database nor peers. */
public final class TestRuntime implements MeshRuntime, AutoCloseable {
  private final List<Path> modelFolders;
  private final Path dataFolder;
  private final VirtualThreadReplies replies =
      new VirtualThreadReplies(new StatusMapper("reward-server"), 256);
  private final MeterRegistry meters = new SimpleMeterRegistry();

  public TestRuntime(List<Path> modelFolders, Path dataFolder) {
    this.modelFolders = modelFolders;
    this.dataFolder = dataFolder;
  }

  @Override
  public Database database(String schema) {
    throw new AssertionError("the reward-server keeps nothing in a database");
  }

  @Override
  public Channel peer(Role role) {
    throw new AssertionError("not a peer: " + role);
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
