package io.ballast.policy.testing;

import io.ballast.kit.grpc.Replies;
import io.ballast.kit.grpc.StatusMapper;
import io.ballast.kit.grpc.VirtualThreadReplies;
import io.ballast.kit.postgres.Database;
import io.ballast.kit.runtime.MeshRuntime;
import io.ballast.kit.runtime.Role;
import io.grpc.Channel;
import io.micrometer.core.instrument.MeterRegistry;
import io.opentelemetry.api.OpenTelemetry;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.List;
import java.util.function.LongSupplier;

/** What a process gives to a policy-server, with these peers and folders. */
public final class TestRuntime implements MeshRuntime, AutoCloseable {
  private final Database database;
  private final Channel safetyServer;
  private final Channel rewardServer;
  private final TestClock clock;
  private final MeterRegistry meters;
  private final List<Path> modelFolders;
  private final VirtualThreadReplies replies =
      new VirtualThreadReplies(new StatusMapper("policy-server"), 256);

  public TestRuntime(
      Database database,
      Channel safetyServer,
      Channel rewardServer,
      TestClock clock,
      MeterRegistry meters,
      List<Path> modelFolders) {
    this.database = database;
    this.safetyServer = safetyServer;
    this.rewardServer = rewardServer;
    this.clock = clock;
    this.meters = meters;
    this.modelFolders = modelFolders;
  }

  @Override
  public Database database(String schema) {
    return database;
  }

  @Override
  public Channel peer(Role role) {
    return switch (role) {
      case SAFETY_SERVER -> safetyServer;
      case REWARD_SERVER -> rewardServer;
      case POLICY_SERVER, ORCHESTRATOR -> throw new AssertionError("not a peer: " + role);
    };
  }

  @Override
  public List<Path> modelFolders() {
    return modelFolders;
  }

  @Override
  public Path dataFolder() {
    throw new AssertionError("the policy-server keeps no files of its own");
  }

  @Override
  public Replies replies() {
    return replies;
  }

  @Override
  public InstantSource clock() {
    return clock;
  }

  @Override
  public LongSupplier nanoTime() {
    return clock::nanoTime;
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
