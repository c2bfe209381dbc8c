package io.ballast.safety.testing;

import io.ballast.kit.grpc.Replies;
import io.ballast.kit.grpc.RequestContexts;
import io.ballast.kit.grpc.StatusMapper;
import io.ballast.kit.grpc.VirtualThreadReplies;
import io.ballast.kit.kserve.ServedModels;
import io.ballast.kit.postgres.Database;
import io.ballast.kit.runtime.MeshRuntime;
import io.ballast.kit.runtime.Role;
import io.ballast.mesh.v1.TextOrTokens;
import io.ballast.safety.adapter.FolderGates;
import io.ballast.safety.config.SafetyConfig;
import io.ballast.safety.config.SafetyProperties;
import io.ballast.safety.core.safetytest.SigningKeys;
import io.ballast.safety.v1.CostItem;
import io.ballast.safety.v1.DisplayGateServiceGrpc;
import io.ballast.safety.v1.DisplayGateServiceGrpc.DisplayGateServiceBlockingStub;
import io.ballast.safety.v1.GetSafetyTestRequest;
import io.ballast.safety.v1.SafetyServiceGrpc;
import io.ballast.safety.v1.SafetyServiceGrpc.SafetyServiceBlockingStub;
import io.ballast.safety.v1.SafetyTest;
import io.ballast.safety.v1.SafetyTestSpec;
import io.ballast.safety.v1.StartSafetyTestRequest;
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
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;

/** A safety-server beside a fake policy-server, in process, on real PostgreSQL. */
public final class TestSafety implements AutoCloseable {
  /** How many calls may be under way at once. */
  public static final int MOST_CALLS = 64;

  private static final Path NO_GATES = Path.of("no-such-folder");

  /** Another for each server: two side by side must not draw the same ids. */
  private static final AtomicLong SEEDS = new AtomicLong(7);

  private static final Map<String, String> PROPERTIES =
      Map.of("batch-wait", "PT0S", "test-chunk", "4", "workers", "1");

  public final FakeCostModels costModels = new FakeCostModels();
  public final FakePolicyServer policy;
  public final TestDatabase database;
  public final TestClock clock = new TestClock();
  public final MeterRegistry meters = new SimpleMeterRegistry();

  /** What is done instead of pausing, with the length of the pause. */
  public volatile java.util.function.Consumer<Duration> onPause = pause -> {};

  private final Database store;
  private final SafetyServer server;
  private final List<Server> servers = new ArrayList<>();
  private final List<ManagedChannel> channels = new ArrayList<>();
  private final VirtualThreadReplies replies =
      new VirtualThreadReplies(new StatusMapper("safety-server"), MOST_CALLS);
  private final Channel channel;

  private TestSafety(
      FakePolicyServer policy,
      TestDatabase database,
      Database store,
      Path gates,
      SigningKeys keys,
      Map<String, String> properties) {
    this.policy = policy;
    this.database = database;
    this.store = store;
    server =
        new SafetyServer(
            config(properties),
            new Runtime(serve(policy.services())),
            costModels,
            new FolderGates(List.of(gates)),
            keys,
            RequestContexts::from,
            new Random(SEEDS.getAndIncrement()),
            pause -> onPause.accept(pause));
    channel = serve(server.services());
  }

  /** Starts with a fresh database, no gates, and these properties beside the defaults. */
  public static TestSafety start(Map<String, String> properties) {
    return start(NO_GATES, properties);
  }

  /** Starts with the gate models of a folder. */
  public static TestSafety start(Path gates, Map<String, String> properties) {
    Map<String, String> all = new HashMap<>(PROPERTIES);
    all.putAll(properties);
    TestDatabase database = TestDatabase.create();
    return new TestSafety(new FakePolicyServer(), database, database, gates, TestKeys.ONE, all);
  }

  /** Starts on these keys, with a fresh database. */
  public static TestSafety start(SigningKeys keys) {
    TestDatabase database = TestDatabase.create();
    return new TestSafety(new FakePolicyServer(), database, database, NO_GATES, keys, PROPERTIES);
  }

  /** Starts on a database of the test's own. */
  public static TestSafety startOn(Database store) {
    return new TestSafety(
        new FakePolicyServer(), TestDatabase.create(), store, NO_GATES, TestKeys.ONE, PROPERTIES);
  }

  /** Starts again after a stop, or as another replica. */
  public TestSafety startBeside() {
    return startBeside(TestKeys.ONE);
  }

  /** Starts again with these properties beside the defaults. */
  public TestSafety startBeside(Map<String, String> properties) {
    Map<String, String> all = new HashMap<>(PROPERTIES);
    all.putAll(properties);
    return new TestSafety(policy, database, database, NO_GATES, TestKeys.ONE, all);
  }

  /** Starts again with other keys. */
  public TestSafety startBeside(SigningKeys keys) {
    return new TestSafety(policy, database, database, NO_GATES, keys, PROPERTIES);
  }

  /** Reads properties as the process does; names are without their prefix. */
  public static SafetyConfig config(Map<String, String> values) {
    return SafetyConfig.from(properties(values));
  }

  /** The properties of a process; names are without their prefix. */
  public static SafetyProperties properties(Map<String, String> values) {
    Map<String, String> prefixed = new HashMap<>();
    values.forEach((name, value) -> prefixed.put("ballast.safety." + name, value));
    return new SmallRyeConfigBuilder()
        .withMapping(SafetyProperties.class)
        .withSources(new PropertiesConfigSource(prefixed, "test", 100))
        .build()
        .getConfigMapping(SafetyProperties.class);
  }

  public SafetyServiceBlockingStub safety() {
    return SafetyServiceGrpc.newBlockingStub(channel);
  }

  public SafetyServiceGrpc.SafetyServiceFutureStub safetyAsync() {
    return SafetyServiceGrpc.newFutureStub(channel);
  }

  public DisplayGateServiceBlockingStub gate() {
    return DisplayGateServiceGrpc.newBlockingStub(channel);
  }

  /** The services of the safety API. */
  public List<BindableService> services() {
    return server.services();
  }

  /** The cost models as KServe clients see them. */
  public ServedModels costs() {
    return server.models().get(0);
  }

  /** The gate's models as KServe clients see them. */
  public ServedModels gates() {
    return server.models().get(1);
  }

  /** Begins tests that were running again, as a process does once it serves. */
  public void resumeTests() {
    server.resumeTests();
  }

  /** Looks at every canary once, as a process does at each interval. */
  public void lookAtCanaries() {
    server.lookAtCanaries();
  }

  /** Looks at canaries from now on, in the background, as a process does that serves. */
  public void watchCanaries() {
    server.watchCanaries();
  }

  /** Looks once which versions are to serve, as a process does each second. */
  public void lookAtServingFile() {
    server.lookAtServingFile();
  }

  /** The tokens that wait to be judged. */
  public int waitingTokens() {
    return (int) meters.get("ballast.safety.waiting.tokens").gauge().value();
  }

  /** A test of candidate "a" by java-cost 2, τ 0.3, δ 0.1, on prompts of these texts. */
  public static StartSafetyTestRequest.Builder testOf(List<String> prompts) {
    return StartSafetyTestRequest.newBuilder()
        .setRunId("run-1")
        .setSpec(
            SafetyTestSpec.newBuilder()
                .setCandidate(FakePolicyServer.candidate("a"))
                .setCostModel(
                    io.ballast.mesh.v1.ModelSelector.newBuilder()
                        .setModel("java-cost")
                        .setVersion("2"))
                .addOptimisedCostModels(
                    io.ballast.mesh.v1.ModelVersion.newBuilder()
                        .setModel("java-cost")
                        .setVersion("1"))
                .addAllPrompts(prompts)
                .setThreshold(0.3)
                .setDelta(0.1)
                .setSampling(io.ballast.mesh.v1.SamplingOptions.newBuilder().setTopK(50)));
  }

  /** So many different prompts; none has a letter that makes trouble. */
  public static List<String> prompts(int count) {
    List<String> prompts = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      prompts.add("int x" + i + " = ");
    }
    return prompts;
  }

  /** Starts a test and waits for its end. */
  public SafetyTest run(StartSafetyTestRequest request) {
    return await(safety().startSafetyTest(request).getTest().getTestId());
  }

  /** Waits for a test's end. */
  public SafetyTest await(String testId) {
    return safety()
        .withDeadlineAfter(30, TimeUnit.SECONDS)
        .getSafetyTest(GetSafetyTestRequest.newBuilder().setTestId(testId).setWait(true).build())
        .getTest();
  }

  public static CostItem item(String id, String prompt, String completion) {
    return CostItem.newBuilder()
        .setItemId(id)
        .setPrompt(text(prompt))
        .setCompletion(text(completion))
        .build();
  }

  public static TextOrTokens text(String text) {
    return TextOrTokens.newBuilder().setText(text).build();
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
    costModels.release();
    policy.release();
    channels.forEach(ManagedChannel::shutdownNow);
    servers.forEach(Server::shutdownNow);
    server.close();
    replies.close();
  }

  /** What the process gives. */
  private final class Runtime implements MeshRuntime {
    private final Channel policyServer;

    private Runtime(Channel policyServer) {
      this.policyServer = policyServer;
    }

    @Override
    public Database database(String schema) {
      return store;
    }

    @Override
    public Channel peer(Role role) {
      return switch (role) {
        case POLICY_SERVER -> policyServer;
        case SAFETY_SERVER, REWARD_SERVER, ORCHESTRATOR ->
            throw new AssertionError("not a peer: " + role);
      };
    }

    @Override
    public List<Path> modelFolders() {
      return List.of();
    }

    @Override
    public Path dataFolder() {
      throw new AssertionError("nothing is written here");
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
  }
}
