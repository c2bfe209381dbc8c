package io.ballast.orchestrator.testing;

import io.ballast.inference.torch.HandedCopies;
import io.ballast.kit.postgres.Database;
import io.ballast.kit.runtime.Role;
import io.ballast.testing.FixedRuntime;
import io.grpc.Channel;
import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.inprocess.InProcessChannelBuilder;
import io.grpc.inprocess.InProcessServerBuilder;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.List;

/** What a process gives to an orchestrator, beside a fake policy-server. */
public final class TestRuntime extends FixedRuntime {
  private final Database database = TestDatabase.create();
  private final ManagedChannel nobody = InProcessChannelBuilder.forName("nobody").build();
  private final Server server;
  private final ManagedChannel policyServer;

  public TestRuntime(List<Path> modelFolders, Path dataFolder) {
    super(Role.ORCHESTRATOR, modelFolders, dataFolder);
    String name = InProcessServerBuilder.generateName();
    InProcessServerBuilder builder = InProcessServerBuilder.forName(name);
    new FakePolicyServer(modelFolders.getFirst(), new HandedCopies())
        .services()
        .forEach(builder::addService);
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
  public void close() {
    policyServer.shutdownNow();
    nobody.shutdownNow();
    server.shutdownNow();
    super.close();
  }
}
