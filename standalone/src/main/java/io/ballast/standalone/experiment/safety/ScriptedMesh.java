package io.ballast.standalone.experiment.safety;

import io.ballast.inference.store.ModelStore;
import io.ballast.kit.grpc.Replies;
import io.ballast.kit.grpc.RequestContexts;
import io.ballast.kit.grpc.StatusMapper;
import io.ballast.kit.grpc.VirtualThreadReplies;
import io.ballast.kit.postgres.Database;
import io.ballast.kit.postgres.Postgres;
import io.ballast.kit.postgres.PostgresSettings;
import io.ballast.kit.runtime.MeshRuntime;
import io.ballast.kit.runtime.Role;
import io.ballast.safety.adapter.FileSigningKeys;
import io.ballast.safety.adapter.FolderGates;
import io.ballast.safety.config.SafetyConfig;
import io.ballast.safety.config.SafetyProperties;
import io.ballast.safety.v1.SafetyServiceGrpc;
import io.ballast.safety.v1.SafetyServiceGrpc.SafetyServiceBlockingStub;
import io.ballast.safety.wiring.SafetyServer;
import io.grpc.BindableService;
import io.grpc.Channel;
import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.inprocess.InProcessChannelBuilder;
import io.grpc.inprocess.InProcessServerBuilder;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.opentelemetry.api.OpenTelemetry;
import io.smallrye.config.PropertiesConfigSource;
import io.smallrye.config.SmallRyeConfigBuilder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.function.LongSupplier;

/**
 * A real safety-server on a real PostgreSQL, in this process, whose candidates and cost model are
 * scripted: what it is asked for takes the way that every safety test takes. Thread-safe.
 */
final class ScriptedMesh implements AutoCloseable {
  private static final int CALLS_AT_ONCE = 64;
  private static final int CONNECTIONS = 8;

  private final Deque<AutoCloseable> opened = new ArrayDeque<>();
  private final Channel channel;

  /**
   * Starts it.
   *
   * @param work a folder; one of its own in there is deleted at the end
   * @param atOnce tests side by side
   * @param seed of what candidates draw
   */
  ScriptedMesh(Path work, int atOnce, long seed) throws IOException {
    Path folder = Files.createTempDirectory(Files.createDirectories(work), "safety-");
    opened.push(() -> ModelStore.deleteAll(folder));
    try {
      VirtualThreadReplies replies =
          new VirtualThreadReplies(new StatusMapper("safety-server"), CALLS_AT_ONCE);
      opened.push(replies);
      MeterRegistry meters = new SimpleMeterRegistry();
      Postgres postgres =
          Postgres.embedded(
              folder.resolve("postgres"),
              folder.resolve("postgres.log"),
              new PostgresSettings(CONNECTIONS, Duration.ofSeconds(5)),
              meters);
      opened.push(postgres);
      Channel policy = serve(new ScriptedPolicy(seed).services());
      SafetyServer server =
          new SafetyServer(
              config(atOnce),
              new Runtime(postgres, policy, folder, replies, meters),
              new ScriptedCosts(),
              new FolderGates(List.of(folder)),
              FileSigningKeys.openOrMake(folder.resolve("keys"), new SecureRandom()),
              RequestContexts::from,
              new SecureRandom(),
              Thread::sleep);
      opened.push(server);
      channel = serve(server.services());
    } catch (IOException | RuntimeException e) {
      close();
      throw e;
    }
  }

  /** The safety API. */
  SafetyServiceBlockingStub safety() {
    return SafetyServiceGrpc.newBlockingStub(channel);
  }

  private static SafetyConfig config(int atOnce) {
    Map<String, String> properties =
        Map.of(
            "ballast.safety.cost-model", ScriptedCosts.ID.model(),
            "ballast.safety.cost-version", ScriptedCosts.ID.version(),
            "ballast.safety.batch-wait", "PT0S",
            "ballast.safety.test-chunk", "1024",
            "ballast.safety.concurrent-tests", Integer.toString(atOnce));
    return SafetyConfig.from(
        new SmallRyeConfigBuilder()
            .withMapping(SafetyProperties.class)
            .withSources(new PropertiesConfigSource(properties, "experiment", 100))
            .build()
            .getConfigMapping(SafetyProperties.class));
  }

  private Channel serve(List<BindableService> services) throws IOException {
    String name = InProcessServerBuilder.generateName();
    InProcessServerBuilder builder = InProcessServerBuilder.forName(name);
    services.forEach(builder::addService);
    Server server = builder.build().start();
    opened.push(server::shutdownNow);
    ManagedChannel to = InProcessChannelBuilder.forName(name).build();
    opened.push(to::shutdownNow);
    return to;
  }

  @Override
  public void close() throws IOException {
    while (!opened.isEmpty()) {
      try {
        opened.pop().close();
      } catch (IOException e) {
        throw e;
      } catch (Exception e) {
        throw new IOException("the scripted mesh does not stop: " + e.getMessage(), e);
      }
    }
  }

  /** What a process gives to a safety-server. */
  private record Runtime(
      Postgres postgres, Channel policy, Path dataFolder, Replies replies, MeterRegistry meters)
      implements MeshRuntime {
    @Override
    public Database database(String schema) {
      return postgres.schema(schema);
    }

    @Override
    public Channel peer(Role role) {
      if (role != Role.POLICY_SERVER) {
        throw new IllegalStateException(role.label() + " is no peer of the safety-server");
      }
      return policy;
    }

    @Override
    public List<Path> modelFolders() {
      return List.of();
    }

    @Override
    public InstantSource clock() {
      return InstantSource.system();
    }

    @Override
    public LongSupplier nanoTime() {
      return System::nanoTime;
    }

    @Override
    public OpenTelemetry telemetry() {
      return OpenTelemetry.noop();
    }
  }
}
