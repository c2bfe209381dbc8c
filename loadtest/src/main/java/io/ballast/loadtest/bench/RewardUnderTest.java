package io.ballast.loadtest.bench;

import io.ballast.mesh.v1.Priority;
import io.ballast.reward.v1.ListRewardModelsRequest;
import io.ballast.reward.v1.RewardServiceGrpc;
import io.ballast.reward.v1.RewardServiceGrpc.RewardServiceBlockingStub;
import io.grpc.ManagedChannel;
import io.grpc.netty.NettyChannelBuilder;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;

/**
 * A reward-server in a process of its own, started as a user starts it, with its defaults but for
 * what remembers answers, which is off: what is measured is scoring.
 */
final class RewardUnderTest implements AutoCloseable {
  private static final Duration PATIENCE = Duration.ofMinutes(2);

  /** After ten seconds, compilers still took 5 to 10 % of two cores under 32 callers. */
  private static final Duration WARM_UP = Duration.ofSeconds(30);

  private static final int WARM_UP_CALLERS = 32;
  private static final int WARM_UP_ITEMS = 8;

  private final MeshUnderTest mesh;
  private final ProcessHandle server;

  private RewardUnderTest(MeshUnderTest mesh) {
    this.mesh = mesh;
    this.server = mesh.server();
  }

  /**
   * Starts a server and asks it for half a minute about next to nothing, so that what runs its
   * calls is compiled: servers are asked for weeks.
   *
   * @param script the {@code mesh} script of a built checkout
   * @param data its data folder; the models in it are served too
   * @param model what it serves by default
   * @param texts says which text is next
   * @throws IllegalStateException if it ends or does not answer
   */
  static RewardUnderTest start(Path script, Path data, String model, RewardTexts texts) {
    return start(script, data, model, texts, Map.of());
  }

  /**
   * The same with more of its settings.
   *
   * @param settings environment variables by name
   */
  static RewardUnderTest start(
      Path script, Path data, String model, RewardTexts texts, Map<String, String> settings) {
    Map<String, String> environment = new HashMap<>(settings);
    environment.put("BALLAST_ROLES", "reward");
    environment.put("BALLAST_REWARD_DEFAULT_MODEL", model);
    environment.put("BALLAST_REWARD_CACHE_BYTES", "0");
    RewardUnderTest server =
        new RewardUnderTest(
            MeshUnderTest.start(script, data, environment, PATIENCE, RewardUnderTest::list));
    try {
      server.warmUp(new RewardCalls(texts, model, Priority.PRIORITY_TRAINER, WARM_UP_ITEMS));
      return server;
    } catch (RuntimeException e) {
      server.close();
      throw e;
    }
  }

  private void warmUp(RewardCalls calls) {
    RewardServiceBlockingStub stub = RewardServiceGrpc.newBlockingStub(channel());
    List<String> completions = Collections.nCopies(WARM_UP_ITEMS, ";");
    try (ExecutorService callers = Executors.newVirtualThreadPerTaskExecutor()) {
      var unused =
          ClosedLoop.load(
              WARM_UP_CALLERS,
              WARM_UP,
              callers,
              System::nanoTime,
              index -> {
                String prompt = Long.toString(calls.texts().next());
                return RewardCalls.ask(stub, calls.request(prompt, completions)).getResultsCount();
              });
    }
  }

  private static void list(ManagedChannel channel) {
    var unused =
        RewardServiceGrpc.newBlockingStub(channel)
            .withDeadlineAfter(60, TimeUnit.SECONDS)
            .listRewardModels(ListRewardModelsRequest.getDefaultInstance());
  }

  /** The connection that it was started with. */
  ManagedChannel channel() {
    return mesh.channel();
  }

  /** A connection of its own; the caller shuts it down. */
  ManagedChannel connect() {
    return NettyChannelBuilder.forTarget(mesh.channel().authority()).usePlaintext().build();
  }

  /** Seconds that its process has kept cores busy: compilers and collector count too. */
  double cpuSeconds() {
    return ProcessCpu.seconds(server);
  }

  /** Its process. */
  ProcessHandle process() {
    return server;
  }

  @Override
  public void close() {
    mesh.close();
  }
}
