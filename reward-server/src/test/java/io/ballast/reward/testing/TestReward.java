package io.ballast.reward.testing;

import io.ballast.kit.audit.TurnTrail;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.kit.grpc.RequestContexts;
import io.ballast.kit.grpc.StatusMapper;
import io.ballast.kit.grpc.VirtualThreadReplies;
import io.ballast.kit.kserve.ServedModels;
import io.ballast.kit.runtime.Role;
import io.ballast.mesh.v1.TextOrTokens;
import io.ballast.reward.component.Composite;
import io.ballast.reward.component.Outside;
import io.ballast.reward.config.RewardConfig;
import io.ballast.reward.config.RewardProperties;
import io.ballast.reward.v1.RewardServiceGrpc;
import io.ballast.reward.v1.RewardServiceGrpc.RewardServiceBlockingStub;
import io.ballast.reward.v1.ScoreItem;
import io.ballast.reward.wiring.RewardModule;
import io.ballast.reward.wiring.RewardServer;
import io.ballast.testing.FixedRuntime;
import io.ballast.testing.ModuleInProcess;
import io.grpc.BindableService;
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
import java.time.InstantSource;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** A reward-server in process, over fake ensembles. */
public final class TestReward implements AutoCloseable {
  /** How many calls may be under way at once. */
  public static final int MAX_CALLS = 256;

  public final FakeEnsembles ensembles = new FakeEnsembles();

  private final SimpleMeterRegistry meters = new SimpleMeterRegistry();
  private final VirtualThreadReplies replies =
      new VirtualThreadReplies(new StatusMapper("reward-server"), MAX_CALLS);
  private final RewardServer server;
  private final Server grpc;
  private final ManagedChannel channel;

  private TestReward(
      Map<String, String> properties,
      List<Composite> composites,
      Outside outside,
      TurnTrail trail) {
    server =
        new RewardServer(
            config(properties),
            ensembles,
            () -> composites,
            outside,
            RequestContexts::from,
            trail,
            new RewardServer.Surroundings(
                replies, meters, OpenTelemetry.noop(), InstantSource.system(), System::nanoTime));
    String name = InProcessServerBuilder.generateName();
    InProcessServerBuilder builder = InProcessServerBuilder.forName(name);
    server.services().forEach(builder::addService);
    try {
      grpc = builder.build().start();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    channel = InProcessChannelBuilder.forName(name).build();
  }

  /** Starts with the defaults, one worker for all lanes, and these properties. */
  public static TestReward start(Map<String, String> properties) {
    return start(properties, List.of());
  }

  /** As {@link #start(Map)}, with composites, which may be added later too. */
  public static TestReward start(Map<String, String> properties, List<Composite> composites) {
    return start(properties, composites, Outside.none());
  }

  /** As {@link #start(Map, List)}, with what components may ask. */
  public static TestReward start(
      Map<String, String> properties, List<Composite> composites, Outside outside) {
    return start(properties, composites, outside, new NoTrail());
  }

  /** As {@link #start(Map)}, telling {@code trail} of turns. */
  public static TestReward start(Map<String, String> properties, TurnTrail trail) {
    return start(properties, List.of(), Outside.none(), trail);
  }

  private static TestReward start(
      Map<String, String> properties,
      List<Composite> composites,
      Outside outside,
      TurnTrail trail) {
    Map<String, String> all =
        new HashMap<>(Map.of("workers", "1", "interactive-workers", "0", "batch-wait", "PT0S"));
    all.putAll(properties);
    return new TestReward(all, composites, outside, trail);
  }

  /** Keeps nothing. */
  private static final class NoTrail implements TurnTrail {
    @Override
    public Set<String> served() {
      return Set.of();
    }

    @Override
    public void serving(Map<String, PinnedVersion> first, Collection<PinnedVersion> now) {}
  }

  /** Reads properties as the process does; names are without their prefix. */
  public static RewardConfig config(Map<String, String> values) {
    Map<String, String> prefixed = new HashMap<>();
    values.forEach((name, value) -> prefixed.put("ballast.reward." + name, value));
    return RewardConfig.from(properties(prefixed));
  }

  /** Reads properties as the process does, with these values beside the defaults. */
  public static RewardProperties properties(Map<String, String> values) {
    return new SmallRyeConfigBuilder()
        .withMapping(RewardProperties.class)
        .withSources(new PropertiesConfigSource(values, "test", 100))
        .build()
        .getConfigMapping(RewardProperties.class);
  }

  /** Starts a server over these folders, by the real day; names are without their prefix. */
  public static ModuleInProcess module(List<Path> folders, Path data, Map<String, String> values) {
    Map<String, String> prefixed = new HashMap<>();
    values.forEach((name, value) -> prefixed.put("ballast.reward." + name, value));
    return ModuleInProcess.start(
        new RewardModule(properties(prefixed)),
        new FixedRuntime(Role.REWARD_SERVER, folders, data) {
          @Override
          public InstantSource clock() {
            return InstantSource.system(); // open breakers wait by it
          }
        });
  }

  public RewardServiceBlockingStub stub() {
    return RewardServiceGrpc.newBlockingStub(channel);
  }

  /** Looks once which versions are to serve, as a process does each second. */
  public void lookAtServingFile() {
    server.lookAtServingFile();
  }

  /** The services of the reward API. */
  public List<BindableService> services() {
    return server.services();
  }

  /** The ensembles as KServe clients see them. */
  public ServedModels models() {
    return server.models();
  }

  /** What the server measures. */
  public MeterRegistry meters() {
    return meters;
  }

  /** What waits for a worker. */
  public int waitingTokens() {
    return (int) meters.get("ballast.reward.waiting.tokens").gauge().value();
  }

  public ManagedChannel channel() {
    return channel;
  }

  public static ScoreItem item(String id, String prompt, String completion) {
    return ScoreItem.newBuilder()
        .setItemId(id)
        .setPrompt(text(prompt))
        .setCompletion(text(completion))
        .build();
  }

  public static TextOrTokens text(String text) {
    return TextOrTokens.newBuilder().setText(text).build();
  }

  @Override
  public void close() {
    channel.shutdownNow();
    grpc.shutdownNow();
    ensembles.release();
    server.close();
    replies.close();
  }
}
