package io.ballast.orchestrator.testing;

import io.ballast.inference.torch.HandedCopies;
import io.ballast.kit.grpc.Replies;
import io.ballast.kit.grpc.RequestContexts;
import io.ballast.kit.grpc.StatusMapper;
import io.ballast.kit.grpc.VirtualThreadReplies;
import io.ballast.kit.outbox.Outbox;
import io.ballast.kit.outbox.OutboxEvent;
import io.ballast.kit.outbox.PostgresOutbox;
import io.ballast.kit.postgres.Database;
import io.ballast.kit.runtime.MeshRuntime;
import io.ballast.kit.runtime.Role;
import io.ballast.learner.v1.LearnerServiceGrpc;
import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.orchestrator.config.OrchestratorConfig;
import io.ballast.orchestrator.config.OrchestratorProperties;
import io.ballast.orchestrator.v1.CreateRunRequest;
import io.ballast.orchestrator.v1.GetRunRequest;
import io.ballast.orchestrator.v1.GetRunResponse;
import io.ballast.orchestrator.v1.IterationMetrics;
import io.ballast.orchestrator.v1.Run;
import io.ballast.orchestrator.v1.RunServiceGrpc;
import io.ballast.orchestrator.v1.WatchRunRequest;
import io.ballast.orchestrator.v1.WatchRunResponse;
import io.ballast.orchestrator.wiring.OrchestratorServer;
import io.ballast.testing.ToldEvents;
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
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.LongSupplier;

/**
 * An orchestrator with a real learner and a real database between fakes of the other servers, all
 * in process. Whoever waits for a peer waits no time at all: the clock moves on instead.
 */
public final class TestMesh implements AutoCloseable {
  public final FakePolicyServer policy;
  public final FakeRewardServer rewards;
  public final FakeSafetyServer safety;
  public final TestClock clock = new TestClock();
  public final TestDatabase database;
  public final MeterRegistry meters = new SimpleMeterRegistry();

  /** How long was waited for peers, wait after wait. */
  public final List<Duration> waits = new CopyOnWriteArrayList<>();

  /** What was handed to the policy-server without a folder. */
  public final HandedCopies copies;

  public final Path root;

  private static final Map<String, String> FOLDERS = Map.of("rollouts-in-memory", "false");

  private final Map<String, String> properties;
  private final VirtualThreadReplies replies =
      new VirtualThreadReplies(new StatusMapper("orchestrator"), 64);
  private final Database store;
  private final List<Server> servers = new ArrayList<>();
  private final List<ManagedChannel> channels = new ArrayList<>();
  private final OrchestratorServer orchestrator;
  private final Channel channel;

  private TestMesh(
      Path root,
      TestDatabase database,
      Database store,
      FakePolicyServer policy,
      FakeRewardServer rewards,
      FakeSafetyServer safety,
      HandedCopies copies,
      Map<String, String> properties) {
    this.root = root;
    this.copies = copies;
    this.database = database;
    this.store = store;
    this.policy = policy;
    this.rewards = rewards;
    this.safety = safety;
    this.properties = properties;
    Channel policyChannel = serve(policy.services());
    Channel rewardChannel = serve(List.of(rewards));
    Channel safetyChannel = serve(List.of(safety));
    Random random = new Random(7);
    orchestrator =
        new OrchestratorServer(
            OrchestratorConfig.from(properties(properties)),
            new Runtime(policyChannel, rewardChannel, safetyChannel),
            new OrchestratorServer.Surroundings(
                RequestContexts::from,
                random,
                () -> UUID.randomUUID().toString(),
                time -> {
                  waits.add(time);
                  clock.advance(time);
                }),
            Optional.of(copies));
    channel = serve(orchestrator.services());
    orchestrator.open();
  }

  /**
   * Starts with an empty database and the tiny model below {@code root}. What runs sample from goes
   * by folders.
   */
  public static TestMesh start(Path root) {
    return start(root, Map.of());
  }

  /** The same with these properties beside the defaults. */
  public static TestMesh start(Path root, Map<String, String> properties) {
    TestDatabase database = TestDatabase.create();
    Map<String, String> all = new HashMap<>(FOLDERS);
    all.putAll(properties);
    return start(root, database, database, all);
  }

  /** Starts on a database of the test's own. */
  public static TestMesh startOn(Database store, Path root) {
    return start(root, TestDatabase.create(), store, FOLDERS);
  }

  private static TestMesh start(
      Path root, TestDatabase database, Database store, Map<String, String> properties) {
    TinyModel.writeTo(root.resolve("models"));
    HandedCopies copies = new HandedCopies();
    return new TestMesh(
        root,
        database,
        store,
        new FakePolicyServer(root.resolve("models"), copies),
        new FakeRewardServer(),
        new FakeSafetyServer(),
        copies,
        properties);
  }

  /** Starts another orchestrator on the same data, as after a stop. */
  public TestMesh startAgain() {
    return new TestMesh(root, database, store, policy, rewards, safety, copies, properties);
  }

  /** Reads properties as the process does, with these values beside the defaults. */
  public static OrchestratorProperties properties(Map<String, String> values) {
    Map<String, String> prefixed = new HashMap<>();
    values.forEach((name, value) -> prefixed.put("ballast.orchestrator." + name, value));
    return new SmallRyeConfigBuilder()
        .withMapping(OrchestratorProperties.class)
        .withSources(new PropertiesConfigSource(prefixed, "test", 100))
        .build()
        .getConfigMapping(OrchestratorProperties.class);
  }

  public RunServiceGrpc.RunServiceBlockingStub runs() {
    return RunServiceGrpc.newBlockingStub(channel);
  }

  public LearnerServiceGrpc.LearnerServiceBlockingStub learner() {
    return LearnerServiceGrpc.newBlockingStub(channel);
  }

  /** The services of the orchestrator. */
  public List<BindableService> services() {
    return orchestrator.services();
  }

  public RunServiceGrpc.RunServiceStub runsAsync() {
    return RunServiceGrpc.newStub(channel);
  }

  /** A folder of the data folder, which is there from now on. */
  public Path folder(String name) {
    try {
      return Files.createDirectories(root.resolve(name));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A file that runs may read prompts from, {@code prompts/} and its name. */
  public Path prompts(String name) {
    return folder("prompts").resolve(name);
  }

  /** Creates a run of the default tenant. */
  public Run create(String spec) {
    return runs().createRun(CreateRunRequest.newBuilder().setSpec(spec).build()).getRun();
  }

  /**
   * Creates a run, waits until it is in the middle of sampling for {@code iteration}, and returns
   * its id; there it stays, and whoever else samples, until {@link #letSample}.
   */
  public String createUpTo(int iteration, String spec) throws InterruptedException {
    policy.samplePermits.drainPermits();
    policy.sampleBegun.drainPermits();
    policy.samplePermits.release(iteration - 1);
    String runId = create(spec).getRunId();
    policy.sampleBegun.acquire(iteration);
    return runId;
  }

  /** Deletes what is older than it is kept, as is done every hour. */
  public void deleteOld() {
    orchestrator.deleteOld();
  }

  /** Whoever waits to sample goes on. */
  public void letSample() {
    policy.samplePermits.release(1_000);
  }

  /** What each iteration was, without when and how fast. */
  public List<IterationMetrics> numbers(String runId) {
    return get(runId).getIterationsList().stream().map(TestMesh::timeless).toList();
  }

  private static IterationMetrics timeless(IterationMetrics metrics) {
    IterationMetrics.Builder timeless =
        metrics.toBuilder()
            .clearCommitTime()
            .clearSampleSeconds()
            .clearJudgeSeconds()
            .clearLearnSeconds();
    timeless.getSpentBuilder().clearSeconds();
    return timeless.build();
  }

  /** The run with its iterations. */
  public GetRunResponse get(String runId) {
    return runs().getRun(GetRunRequest.newBuilder().setRunId(runId).build());
  }

  /** Everything that a watcher sees from now until the run has ended or failed. */
  public List<WatchRunResponse> watchToTheEnd(String runId) {
    List<WatchRunResponse> seen = new ArrayList<>();
    Iterator<WatchRunResponse> stream =
        runs().watchRun(WatchRunRequest.newBuilder().setRunId(runId).build());
    stream.forEachRemaining(seen::add);
    return seen;
  }

  /** The run when it has ended or failed. */
  public Run awaitEnd(String runId) {
    return watchToTheEnd(runId).getLast().getRun();
  }

  /** Metadata of a tenant with an idempotency key. */
  public static RequestMetadata metadata(String tenant, String key) {
    return RequestMetadata.newBuilder().setTenant(tenant).setIdempotencyKey(key).build();
  }

  private Channel serve(List<BindableService> services) {
    String name = InProcessServerBuilder.generateName();
    InProcessServerBuilder builder = InProcessServerBuilder.forName(name);
    services.forEach(builder::addService);
    try {
      servers.add(builder.build().start());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    ManagedChannel opened = InProcessChannelBuilder.forName(name).build();
    channels.add(opened);
    return opened;
  }

  @Override
  public void close() {
    orchestrator.close();
    channels.forEach(ManagedChannel::shutdownNow);
    servers.forEach(Server::shutdownNow);
    replies.close();
  }

  /** Takes what others were told since this was last asked. */
  public List<OutboxEvent> told() {
    return ToldEvents.take(database.jdbi());
  }

  /** What the process gives. */
  private final class Runtime implements MeshRuntime {
    private final Channel policyServer;
    private final Channel rewardServer;
    private final Channel safetyServer;

    private Runtime(Channel policyServer, Channel rewardServer, Channel safetyServer) {
      this.policyServer = policyServer;
      this.rewardServer = rewardServer;
      this.safetyServer = safetyServer;
    }

    @Override
    public Database database(String schema) {
      return store;
    }

    @Override
    public Outbox outbox(Role role, Database of) {
      return new PostgresOutbox(of.jdbi());
    }

    @Override
    public Channel peer(Role role) {
      return switch (role) {
        case POLICY_SERVER -> policyServer;
        case REWARD_SERVER -> rewardServer;
        case SAFETY_SERVER -> safetyServer;
        case ORCHESTRATOR -> throw new AssertionError("not a peer: " + role);
      };
    }

    @Override
    public List<Path> modelFolders() {
      return List.of(root.resolve("models"));
    }

    @Override
    public Path dataFolder() {
      return root;
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
  }
}
