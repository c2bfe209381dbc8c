package io.ballast.policy.testing;

import io.ballast.kit.outbox.Outbox;
import io.ballast.kit.outbox.PostgresOutbox;
import io.ballast.kit.postgres.Database;
import io.ballast.kit.runtime.Role;
import io.ballast.testing.FixedRuntime;
import io.grpc.Channel;
import io.micrometer.core.instrument.MeterRegistry;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.List;
import java.util.UUID;
import java.util.function.LongSupplier;

/** What a process gives to a policy-server, with these peers and folders. */
public final class TestRuntime extends FixedRuntime {
  private final Database database;
  private final Channel safetyServer;
  private final Channel rewardServer;
  private final TestClock clock;
  private final MeterRegistry meters;

  /** One whose server writes no file. */
  public TestRuntime(
      Database database,
      Channel safetyServer,
      Channel rewardServer,
      TestClock clock,
      MeterRegistry meters,
      List<Path> modelFolders) {
    this(database, safetyServer, rewardServer, clock, meters, modelFolders, ownFolder());
  }

  /** A folder that nobody else has: what one server leaves waiting there is no other's. */
  static Path ownFolder() {
    return Path.of("target", "data of tests", UUID.randomUUID().toString());
  }

  /** One whose server may write files into {@code dataFolder}. */
  public TestRuntime(
      Database database,
      Channel safetyServer,
      Channel rewardServer,
      TestClock clock,
      MeterRegistry meters,
      List<Path> modelFolders,
      Path dataFolder) {
    super(Role.POLICY_SERVER, modelFolders, dataFolder);
    this.database = database;
    this.safetyServer = safetyServer;
    this.rewardServer = rewardServer;
    this.clock = clock;
    this.meters = meters;
  }

  @Override
  public Database database(String schema) {
    return database;
  }

  @Override
  public Outbox outbox(Role role, Database of) {
    return new PostgresOutbox(of.jdbi());
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
}
