package io.ballast.policy.testing;

import io.ballast.kit.grpc.RequestContexts;
import io.ballast.kit.outbox.OutboxEvent;
import io.ballast.kit.postgres.Database;
import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.policy.config.PolicyConfig;
import io.ballast.policy.config.PolicyProperties;
import io.ballast.policy.core.version.DecoderLoader;
import io.ballast.policy.v1.FeedbackServiceGrpc;
import io.ballast.policy.v1.PolicyServiceGrpc;
import io.ballast.policy.v1.SuggestRequest;
import io.ballast.policy.v1.SuggestResponse;
import io.ballast.policy.v1.VersionServiceGrpc;
import io.ballast.policy.wiring.PolicyServer;
import io.ballast.testing.ToldEvents;
import io.grpc.BindableService;
import io.grpc.Channel;
import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.inprocess.InProcessChannelBuilder;
import io.grpc.inprocess.InProcessServerBuilder;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.smallrye.config.PropertiesConfigSource;
import io.smallrye.config.SmallRyeConfigBuilder;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/** A policy-server between a fake safety-server and a fake reward-server, all in process. */
public final class TestMesh implements AutoCloseable {
  public final FakeModels models;
  public final FakeSafetyServer safety = new FakeSafetyServer();
  public final FakeRewardServer rewards = new FakeRewardServer();
  public final TestClock clock = new TestClock();
  public final Database database;
  public final MeterRegistry meters = new SimpleMeterRegistry();
  public final PolicyServer server;

  private final TestRuntime runtime;
  private final List<Server> servers = new ArrayList<>();
  private final List<ManagedChannel> channels = new ArrayList<>();
  private final Channel policyChannel;

  private TestMesh(FakeModels models, Database database, Map<String, String> properties) {
    this(models, models, database, properties, TestRuntime.ownFolder());
  }

  private TestMesh(
      FakeModels models,
      DecoderLoader loader,
      Database database,
      Map<String, String> properties,
      Path dataFolder) {
    this.models = models;
    this.database = database;
    safety.certificates.clock = clock;
    Channel safetyChannel = serve(safety.services());
    Channel rewardChannel = serve(List.of(rewards));
    runtime =
        new TestRuntime(
            database, safetyChannel, rewardChannel, clock, meters, List.of(), dataFolder);
    server =
        new PolicyServer(
            PolicyConfig.from(properties(onABusyMachine(properties))),
            runtime,
            loader,
            RequestContexts::from,
            new Random(7));
    policyChannel = serve(server.services());
  }

  /** A database that takes its time is not away: nothing waits on disk unless a test wants it. */
  private static Map<String, String> onABusyMachine(Map<String, String> properties) {
    Map<String, String> all = new HashMap<>(properties);
    all.putIfAbsent("ballast.policy.database-patience", "PT30S");
    return all;
  }

  /** Starts with a fresh database. */
  public static TestMesh start() {
    return start(Map.of());
  }

  /** Starts with a fresh database and these properties beside the defaults. */
  public static TestMesh start(Map<String, String> properties) {
    return new TestMesh(new FakeModels(), TestDatabase.create(), properties);
  }

  /** Starts with these models. */
  public static TestMesh start(FakeModels models) {
    return new TestMesh(models, TestDatabase.create(), Map.of());
  }

  /** Starts with a loader before these models. */
  public static TestMesh start(DecoderLoader loader, FakeModels models) {
    return new TestMesh(models, loader, TestDatabase.create(), Map.of(), TestRuntime.ownFolder());
  }

  /** Starts on a database that may go away; without it nothing goes on. */
  public static TestMesh startOn(Database database) {
    return new TestMesh(
        new FakeModels(), database, Map.of("ballast.policy.decisions-on-database-down", "REFUSE"));
  }

  /** Starts on a database that may go away, with a folder for what goes on meanwhile. */
  public static TestMesh startOn(
      Database database, Map<String, String> properties, Path dataFolder) {
    FakeModels models = new FakeModels();
    return new TestMesh(models, models, database, properties, dataFolder);
  }

  /** Starts with these models on a database that has something. */
  public static TestMesh startOn(FakeModels models, Database database) {
    return new TestMesh(models, database, Map.of());
  }

  /** Starts as another replica, or again after a stop, on the same models and database. */
  public TestMesh startBeside() {
    return new TestMesh(models, database, Map.of());
  }

  /** As the other, with these properties beside the defaults. */
  public TestMesh startBeside(Map<String, String> properties) {
    return new TestMesh(models, database, properties);
  }

  /** Reads properties as the process does, with these values beside the defaults. */
  public static PolicyProperties properties(Map<String, String> values) {
    return new SmallRyeConfigBuilder()
        .withMapping(PolicyProperties.class)
        .withSources(new PropertiesConfigSource(values, "test", 100))
        .build()
        .getConfigMapping(PolicyProperties.class);
  }

  public PolicyServiceGrpc.PolicyServiceBlockingStub policy() {
    return PolicyServiceGrpc.newBlockingStub(policyChannel);
  }

  public PolicyServiceGrpc.PolicyServiceFutureStub policyAsync() {
    return PolicyServiceGrpc.newFutureStub(policyChannel);
  }

  public VersionServiceGrpc.VersionServiceBlockingStub versions() {
    return VersionServiceGrpc.newBlockingStub(policyChannel);
  }

  public FeedbackServiceGrpc.FeedbackServiceBlockingStub feedback() {
    return FeedbackServiceGrpc.newBlockingStub(policyChannel);
  }

  public FeedbackServiceGrpc.FeedbackServiceStub feedbackAsync() {
    return FeedbackServiceGrpc.newStub(policyChannel);
  }

  /** A channel to the policy-server. */
  public Channel channel() {
    return policyChannel;
  }

  /** Takes what others were told since this was last asked. */
  public List<OutboxEvent> told() {
    return ToldEvents.take(database.jdbi());
  }

  /** Suggests for a prompt, all else as it comes. */
  public SuggestResponse suggest(String prompt) {
    return policy().suggest(SuggestRequest.newBuilder().setPrompt(prompt).build());
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
    ManagedChannel channel = InProcessChannelBuilder.forName(name).build();
    channels.add(channel);
    return channel;
  }

  @Override
  public void close() {
    channels.forEach(ManagedChannel::shutdownNow);
    servers.forEach(Server::shutdownNow);
    server.close();
    runtime.close();
  }
}
