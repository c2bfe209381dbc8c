package io.ballast.loadtest.bench;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.ballast.inference.store.ModelManifest;
import io.ballast.loadtest.openloop.Arrivals;
import io.ballast.loadtest.openloop.LoadPlan;
import io.ballast.loadtest.openloop.LoadResult;
import io.ballast.loadtest.openloop.OpenLoop;
import io.ballast.loadtest.openloop.Outcome;
import io.ballast.loadtest.openloop.SystemPacer;
import io.ballast.loadtest.openloop.Target;
import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.policy.v1.Decision;
import io.ballast.policy.v1.GateMode;
import io.ballast.policy.v1.PolicyServiceGrpc;
import io.ballast.policy.v1.SuggestRequest;
import io.ballast.policy.v1.SuggestResponse;
import io.ballast.reward.v1.RewardServiceGrpc;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse;
import io.grpc.health.v1.HealthGrpc;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** Figures of a whole mesh, started as a user starts it. */
final class MeshBench {
  private static final Duration PATIENCE = Duration.ofSeconds(120);
  private static final int STARTS = 3;

  /** How often {@link #startAndMemory} tells of progress. */
  static final int START_STEPS = 2 * STARTS + 1;

  private static final int CALLERS = 32;
  private static final int PROGRAMMERS = 8;
  private static final Duration WORK_TIME = Duration.ofSeconds(5);
  private static final int CAPACITIES = 3;
  private static final Duration CAPACITY_TIME = Duration.ofSeconds(4);
  private static final Duration LOAD_TIME = Duration.ofSeconds(8);
  private static final int LOADS = 5;
  private static final double LOAD = 0.6;
  private static final String GATE = "java-gate-context";
  private static final String GATE_VERSION = "bench";

  private final Path script;
  private final Path models;
  private final Path work;
  private final int repetitions;
  private final Runnable progress;

  /**
   * Binds what is measured.
   *
   * @param script the {@code mesh} script of a built checkout
   * @param models the models that it serves
   * @param work a folder for data folders, deleted by whoever made it
   * @param repetitions of each pair, ≥ 1
   * @param progress told after each measurement
   */
  MeshBench(Path script, Path models, Path work, int repetitions, Runnable progress) {
    this.script = script;
    this.models = models;
    this.work = work;
    this.repetitions = repetitions;
    this.progress = progress;
  }

  /** Starts meshes, loads the last of them, and looks at its memory. */
  List<Figure> startAndMemory() {
    List<Double> first = new ArrayList<>();
    List<Double> again = new ArrayList<>();
    List<Figure> figures = new ArrayList<>();
    for (int i = 0; i < STARTS; i++) {
      Path data = work.resolve("start-" + i);
      try (MeshUnderTest mesh = MeshUnderTest.start(script, data, Map.of(), PATIENCE)) {
        first.add(mesh.startSeconds());
        progress.run();
      }
      try (MeshUnderTest mesh = MeshUnderTest.start(script, data, Map.of(), PATIENCE)) {
        again.add(mesh.startSeconds());
        progress.run();
        if (i == STARTS - 1) {
          work(mesh);
          progress.run();
          figures.add(
              Pairs.alone(
                  "memory of the laptop mesh after load",
                  "GB",
                  List.of(mesh.residentBytes() / 1e9),
                  new Goal.Below(2.5)));
        }
      }
    }
    figures.addFirst(Pairs.alone("first start, to a suggestion", "s", first, new Goal.Reported()));
    figures.addFirst(Pairs.alone("cold start, to a suggestion", "s", again, new Goal.Below(6)));
    return figures;
  }

  /** Some seconds of scores and of suggestions: a mesh that has not worked takes less memory. */
  private static void work(MeshUnderTest mesh) {
    RewardServiceGrpc.RewardServiceBlockingStub reward =
        RewardServiceGrpc.newBlockingStub(mesh.channel());
    PolicyServiceGrpc.PolicyServiceBlockingStub policy =
        PolicyServiceGrpc.newBlockingStub(mesh.channel());
    try (ExecutorService callers = Executors.newVirtualThreadPerTaskExecutor()) {
      var scores =
          ClosedLoop.itemsPerSecond(
              CALLERS, WORK_TIME, callers, System::nanoTime, i -> ScoreBench.ask(reward, i));
      var suggestions =
          ClosedLoop.itemsPerSecond(
              PROGRAMMERS,
              WORK_TIME,
              callers,
              System::nanoTime,
              index -> {
                SuggestRequest asked =
                    request(index).toBuilder()
                        .setGateMode(GateMode.GATE_MODE_OFF)
                        .setWithReward(true)
                        .setWithCost(true)
                        .build();
                var unused = policy.withDeadlineAfter(60, TimeUnit.SECONDS).suggest(asked);
                return 1;
              });
      requirePositive(scores);
      requirePositive(suggestions);
    }
  }

  private static void requirePositive(double rate) {
    if (!(rate > 0)) {
      throw new IllegalStateException("the mesh did no work");
    }
  }

  /** How often {@link #overhead} tells of progress. */
  static int overheadSteps(int repetitions) {
    return Pairs.measured(CAPACITIES) + Pairs.measured(Math.min(LOADS, repetitions));
  }

  /** What the mesh costs where it has nothing to do: the gate withholds every suggestion. */
  List<Figure> overhead() {
    Path data = work.resolve("withhold");
    publishWithholdingGate(data);
    Map<String, String> environment = Map.of("BALLAST_SAFETY_CONTEXT_GATE_VERSION", GATE_VERSION);
    try (MeshUnderTest mesh = MeshUnderTest.start(script, data, environment, PATIENCE);
        ExecutorService callers = Executors.newVirtualThreadPerTaskExecutor()) {
      PolicyServiceGrpc.PolicyServiceBlockingStub stub =
          PolicyServiceGrpc.newBlockingStub(mesh.channel());
      List<Double> capacities = new ArrayList<>();
      for (int i = -1; i < CAPACITIES; i++) {
        double capacity =
            ClosedLoop.itemsPerSecond(
                CALLERS,
                CAPACITY_TIME,
                callers,
                System::nanoTime,
                index -> {
                  requireWithheld(
                      stub.withDeadlineAfter(60, TimeUnit.SECONDS).suggest(request(index)));
                  return 1;
                });
        progress.run();
        if (i >= 0) {
          capacities.add(capacity);
        }
      }
      double rate = LOAD * Pairs.median(capacities);
      Target suggest = suggest(mesh);
      Target echo = echo(mesh);
      long[] seed = new long[1];
      Pairs latencies =
          Pairs.measure(
              Math.min(LOADS, repetitions),
              () -> p99Millis(rate, ++seed[0], suggest),
              () -> p99Millis(rate, ++seed[0], echo),
              progress);
      return List.of(
          Pairs.alone(
              "Suggest withheld by the gate, %d callers".formatted(CALLERS),
              "calls/s",
              capacities,
              new Goal.Reported()),
          latencies.figure(
              "Suggest withheld by the gate, p99 at %.0f calls/s".formatted(rate),
              "ms",
              new Goal.Reported()));
    }
  }

  /** A copy of the gate's first stage that expects every suggestion to be rejected. */
  private void publishWithholdingGate(Path data) {
    Path from = models.resolve(GATE).resolve("1");
    Path to = data.resolve("models").resolve(GATE).resolve(GATE_VERSION);
    try {
      Files.createDirectories(to);
      try (Stream<Path> files = Files.list(from)) {
        for (Path file : files.toList()) {
          Files.copy(file, to.resolve(file.getFileName()));
        }
      }
      ObjectMapper json = new ObjectMapper();
      Path file = to.resolve("gate.json");
      ObjectNode gate = (ObjectNode) json.readTree(file.toFile());
      gate.put("threshold", 1.0);
      gate.put("refer_entropy_bits", 1.0);
      gate.put("exploration_share", 0.0);
      Files.writeString(file, gate.toPrettyString());
      var unused = ModelManifest.write(to, Map.of("made_for", "bench"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static double p99Millis(double rate, long seed, Target target) {
    LoadPlan plan =
        new LoadPlan(
            rate, Duration.ofSeconds(1), LOAD_TIME, 4_096, 1_000_000, Duration.ofSeconds(10));
    LoadResult result =
        new OpenLoop(new SystemPacer())
            .run(plan, Arrivals.poisson(rate, new SplittableRandom(seed)), target);
    if (result.missedShare() > 0) {
      throw new IllegalStateException(
          "at %.0f calls/s %d of %d calls were not answered: %s"
              .formatted(
                  rate,
                  result.planned() - result.succeeded(),
                  result.planned(),
                  result.failures()));
    }
    return result.latency().nanosAt(99) / 1e6;
  }

  private static Target suggest(MeshUnderTest mesh) {
    PolicyServiceGrpc.PolicyServiceStub stub = PolicyServiceGrpc.newStub(mesh.channel());
    return (index, done) ->
        stub.withDeadlineAfter(10, TimeUnit.SECONDS)
            .suggest(
                request(index),
                new UnaryAnswer<SuggestResponse>(
                    done,
                    answer -> {
                      requireWithheld(answer);
                      return Outcome.answered("WITHHOLD");
                    }));
  }

  private static Target echo(MeshUnderTest mesh) {
    HealthGrpc.HealthStub stub = HealthGrpc.newStub(mesh.channel());
    return (index, done) ->
        stub.withDeadlineAfter(10, TimeUnit.SECONDS)
            .check(
                HealthCheckRequest.getDefaultInstance(),
                new UnaryAnswer<HealthCheckResponse>(
                    done, answer -> Outcome.answered(answer.getStatus().name())));
  }

  private static SuggestRequest request(long index) {
    return SuggestRequest.newBuilder()
        .setMetadata(RequestMetadata.newBuilder().setTenant("bench"))
        .setPrompt(BenchTexts.context(index))
        .build();
  }

  private static void requireWithheld(SuggestResponse answer) {
    if (answer.getDecision() != Decision.DECISION_WITHHOLD || answer.getGeneratedTokens() != 0) {
      throw new IllegalStateException(
          "the gate did not withhold: " + answer.getDecision() + ", " + answer.getReason());
    }
  }
}
