package io.ballast.loadtest.bench;

import io.ballast.loadtest.bench.Pairs.Pair;
import io.ballast.mesh.v1.Priority;
import io.ballast.policy.v1.PolicyServiceGrpc;
import io.ballast.reward.v1.RewardServiceGrpc;
import io.grpc.ChannelCredentials;
import io.grpc.InsecureChannelCredentials;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * What a setting costs: meshes that have it beside some that have not, on the same work in turns.
 * There are two of each, which take turns too: one JVM compiles otherwise than another, and is
 * quicker or slower by as much as some settings cost.
 */
final class SettingBench {
  private static final int MESHES = 2;
  private static final int SCORERS = 32;
  private static final int ITEMS = 8;
  private static final int SUGGESTERS = 8;
  private static final int TOKENS = 8;
  private static final Duration TIME = Duration.ofSeconds(6);
  private static final Duration WARM_UP = Duration.ofSeconds(15);
  private static final Duration PATIENCE = Duration.ofMinutes(2);
  private static final double TELEMETRY_GOAL = 0.97;
  private static final double TLS_GOAL = 0.90;

  /**
   * What was seen of a mesh.
   *
   * @param rate items a second
   * @param cpuMillis processor time of its servers and its database for an item
   */
  private record Seen(double rate, double cpuMillis) {}

  private final Path script;
  private final Path work;
  private final int repetitions;
  private final Runnable progress;

  /**
   * Binds what is measured.
   *
   * @param script the {@code mesh} script of a built checkout
   * @param work a folder that may be written
   * @param repetitions of each pair, ≥ 1
   * @param progress told after each pair
   */
  SettingBench(Path script, Path work, int repetitions, Runnable progress) {
    this.script = script;
    this.work = work;
    this.repetitions = repetitions;
    this.progress = progress;
  }

  /** How often either measurement tells of progress. */
  static int steps(int repetitions) {
    return 2 * Pairs.measured(repetitions);
  }

  /**
   * Every call traced and sent to a collector, metrics too, beside a mesh that traces nothing. Both
   * count their metrics, by which limits and readiness go.
   */
  List<Figure> telemetry() {
    try (SilentCollector collector = new SilentCollector();
        Meshes traced =
            start(
                "traced",
                Map.of("BALLAST_TELEMETRY_OTLP_ENDPOINT", collector.endpoint()),
                InsecureChannelCredentials.create());
        Meshes silent =
            start(
                "silent",
                Map.of("BALLAST_TELEMETRY_SAMPLED_RATIO", "0"),
                InsecureChannelCredentials.create())) {
      List<Figure> figures =
          beside("all traced and collected, beside none", traced, silent, TELEMETRY_GOAL);
      if (collector.bytes() == 0) {
        throw new IllegalStateException("the collector was sent nothing");
      }
      return figures;
    }
  }

  /** Calls that are encrypted, on connections that stay. */
  List<Figure> encryption() throws IOException, InterruptedException {
    LoopbackCertificate certificate = LoopbackCertificate.make(work.resolve("certificate"));
    try (Meshes secured = start("encrypted", certificate.environment(), certificate.trusted());
        Meshes plain = start("plain", Map.of(), InsecureChannelCredentials.create())) {
      return beside("TLS, beside none", secured, plain, TLS_GOAL);
    }
  }

  /** Meshes with the same setting. */
  private record Meshes(List<MeshUnderTest> all) implements AutoCloseable {
    /**
     * Measures one after the other, each twice in a row: once before and once after what it is
     * beside.
     */
    Supplier<Seen> inTurn(Function<MeshUnderTest, Seen> measure) {
      AtomicInteger measured = new AtomicInteger();
      return () -> measure.apply(all.get(measured.getAndIncrement() / 2 % all.size()));
    }

    @Override
    public void close() {
      all.forEach(MeshUnderTest::close);
    }
  }

  private Meshes start(String name, Map<String, String> setting, ChannelCredentials credentials) {
    Map<String, String> environment = new HashMap<>(setting);
    environment.put("BALLAST_REWARD_CACHE_BYTES", "0");
    Meshes started = new Meshes(new ArrayList<>());
    try {
      for (int i = 0; i < MESHES; i++) {
        started
            .all()
            .add(
                MeshUnderTest.start(
                    script, work.resolve(name + i), environment, credentials, PATIENCE));
      }
      return started;
    } catch (RuntimeException e) {
      started.close();
      throw e;
    }
  }

  private List<Figure> beside(String what, Meshes with, Meshes without, double goal) {
    RewardCalls scores =
        new RewardCalls(new RewardTexts(), "", Priority.PRIORITY_INTERACTIVE, ITEMS);
    SuggestCalls suggestions = new SuggestCalls(true, TOKENS);
    List<Figure> figures = new ArrayList<>();
    try (ExecutorService callers = Executors.newVirtualThreadPerTaskExecutor()) {
      for (Meshes meshes : List.of(with, without)) {
        for (MeshUnderTest mesh : meshes.all()) {
          var unused = scored(mesh, scores, WARM_UP, callers);
          var alsoUnused = suggested(mesh, suggestions, WARM_UP, callers);
        }
      }
      figures.addAll(
          figures(
              "Score, %d callers x %d items: %s".formatted(SCORERS, ITEMS, what),
              "items/s",
              goal,
              Pairs.inTurns(
                  repetitions,
                  with.inTurn(mesh -> scored(mesh, scores, TIME, callers)),
                  without.inTurn(mesh -> scored(mesh, scores, TIME, callers)),
                  progress)));
      figures.addAll(
          figures(
              "Suggest with reward, cost and gate, %d callers: %s".formatted(SUGGESTERS, what),
              "calls/s",
              goal,
              Pairs.inTurns(
                  repetitions,
                  with.inTurn(mesh -> suggested(mesh, suggestions, TIME, callers)),
                  without.inTurn(mesh -> suggested(mesh, suggestions, TIME, callers)),
                  progress)));
    }
    return figures;
  }

  private static List<Figure> figures(
      String name, String unit, double goal, List<Pair<Seen>> pairs) {
    return List.of(
        Pairs.of(pairs.stream().map(pair -> pair.map(Seen::rate)).toList())
            .figure(name, unit, new Goal.RatioAtLeast(goal)),
        Pairs.of(pairs.stream().map(pair -> pair.map(Seen::cpuMillis)).toList())
            .figure(
                "... processor time of servers and database for each", "ms", new Goal.Reported()));
  }

  private static Seen scored(
      MeshUnderTest mesh, RewardCalls calls, Duration time, ExecutorService callers) {
    var stub = RewardServiceGrpc.newBlockingStub(mesh.channel());
    return seen(mesh, SCORERS, time, callers, unused -> calls.ask(stub));
  }

  private static Seen suggested(
      MeshUnderTest mesh, SuggestCalls calls, Duration time, ExecutorService callers) {
    var stub = PolicyServiceGrpc.newBlockingStub(mesh.channel());
    return seen(mesh, SUGGESTERS, time, callers, unused -> calls.ask(stub));
  }

  private static Seen seen(
      MeshUnderTest mesh,
      int concurrency,
      Duration time,
      ExecutorService callers,
      ClosedLoop.Call call) {
    double before = ProcessCpu.seconds(mesh.server());
    ClosedLoop.Load load = ClosedLoop.load(concurrency, time, callers, System::nanoTime, call);
    double cpu = ProcessCpu.seconds(mesh.server()) - before;
    return new Seen(load.itemsPerSecond(), 1e3 * cpu / load.items());
  }
}
