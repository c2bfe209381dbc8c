package io.ballast.safety.testing;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.kit.postgres.Database;
import io.ballast.kit.runtime.Role;
import io.ballast.testing.FixedRuntime;
import io.grpc.Channel;
import io.grpc.ManagedChannel;
import io.grpc.inprocess.InProcessChannelBuilder;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.List;

/** What a process gives to a safety-server, whose policy-server is away. */
public final class TestRuntime extends FixedRuntime {
  private final Database database = TestDatabase.create();
  private final boolean ownsDatabase;
  private final ManagedChannel policyServer = InProcessChannelBuilder.forName("nobody").build();

  public TestRuntime(List<Path> modelFolders, Path dataFolder) {
    this(modelFolders, dataFolder, false);
  }

  /**
   * @param ownsDatabase whether it says that the database is its own, as on one person's computer
   */
  public TestRuntime(List<Path> modelFolders, Path dataFolder, boolean ownsDatabase) {
    super(Role.SAFETY_SERVER, modelFolders, dataFolder);
    this.ownsDatabase = ownsDatabase;
  }

  @Override
  public boolean ownsDatabase() {
    return ownsDatabase;
  }

  @Override
  public Database database(String schema) {
    return database;
  }

  /** The real day: open breakers wait by it. */
  @Override
  public InstantSource clock() {
    return InstantSource.system();
  }

  @Override
  public Channel peer(Role role) {
    assertThat(role).isEqualTo(Role.POLICY_SERVER);
    return policyServer;
  }

  @Override
  public void close() {
    policyServer.shutdownNow();
    super.close();
  }
}
