package io.ballast.loadtest.bench;

import io.ballast.inference.onnx.ScoringHeads;
import io.ballast.inference.onnx.ScoringModel;
import io.ballast.inference.onnx.ScoringModelFolder;
import io.ballast.inference.onnx.ScoringSpec;
import io.ballast.inference.torch.DecoderConfig;
import io.ballast.loadtest.bench.ClosedLoop.Load;
import io.ballast.loadtest.bench.Pairs.Pair;
import io.ballast.loadtest.openloop.Arrivals;
import io.ballast.loadtest.openloop.LoadPlan;
import io.ballast.loadtest.openloop.LoadResult;
import io.ballast.loadtest.openloop.OpenLoop;
import io.ballast.loadtest.openloop.Outcome;
import io.ballast.loadtest.openloop.SystemPacer;
import io.ballast.loadtest.openloop.Target;
import io.ballast.mesh.v1.Priority;
import io.ballast.reward.v1.RewardServiceGrpc;
import io.ballast.reward.v1.RewardServiceGrpc.RewardServiceBlockingStub;
import io.ballast.reward.v1.ScoreResponse;
import io.grpc.ManagedChannel;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * A reward-server under load: beside its bare engine, with one member and with five, with a person
 * among trainers, and by what an item costs it.
 */
final class RewardLoadBench {
  private static final String MODEL = "java-reward";
  private static final String ONE_MEMBER = "java-reward-one";
  private static final List<Integer> CALLERS = List.of(1, 8, 32, 128);
  private static final int JUDGED_CALLERS = 32;
  private static final int MEMBER_CALLERS = 32;
  private static final int TRAINERS = 32;
  private static final List<Integer> CONNECTIONS = List.of(32, 1_000);
  private static final int GROUP = 8;
  private static final int MOST_REPETITIONS = 5;
  private static final Duration TIME = Duration.ofMillis(2_500);
  private static final Duration COST_TIME = Duration.ofSeconds(4);
  private static final Duration PERSON_TIME = Duration.ofSeconds(10);
  private static final double PERSON_RATE = 20;

  private final Path script;
  private final Path models;
  private final Path work;
  private final int repetitions;
  private final Runnable progress;
  private final RewardTexts texts = new RewardTexts();

  /**
   * Binds what is measured.
   *
   * @param script the {@code mesh} script of a built checkout
   * @param models where java-tiny/1 and java-reward/1 are
   * @param work a folder that may be written
   * @param repetitions of each pair, ≥ 1; no more than five are made
   * @param progress told after each pair
   */
  RewardLoadBench(Path script, Path models, Path work, int repetitions, Runnable progress) {
    this.script = script;
    this.models = models;
    this.work = work;
    this.repetitions = atMost(repetitions);
    this.progress = progress;
  }

  private static int atMost(int repetitions) {
    return Math.min(MOST_REPETITIONS, repetitions);
  }

  /** How often {@link #besideTheEngine} tells of progress. */
  static int engineSteps(int repetitions) {
    return CALLERS.size() * Pairs.measured(atMost(repetitions));
  }

  /** How often {@link #members} and {@link #mixed} tell of progress. */
  static int pairSteps(int repetitions) {
    return Pairs.measured(atMost(repetitions));
  }

  /** How often {@link #cost} tells of progress. */
  static int costSteps(int repetitions) {
    return CONNECTIONS.size() * Pairs.measured(atMost(repetitions));
  }

  /** Items a second and the slowest calls, beside the engine called in this process. */
  List<Figure> besideTheEngine() {
    int cores = Runtime.getRuntime().availableProcessors();
    List<Figure> figures = new ArrayList<>();
    try (RewardUnderTest server = start("engine");
        BareScoring engine =
            BareScoring.open(
                texts,
                GROUP,
                models.resolve("java-tiny/1"),
                models.resolve(MODEL).resolve("1"),
                work.resolve("engine-onnx"));
        ExecutorService callers = Executors.newVirtualThreadPerTaskExecutor();
        ExecutorService pool = Executors.newFixedThreadPool(cores)) {
      RewardServiceBlockingStub stub = RewardServiceGrpc.newBlockingStub(server.channel());
      RewardCalls calls = calls(MODEL, GROUP);
      for (int count : CALLERS) {
        List<Pair<Load>> pairs =
            Pairs.inTurns(
                repetitions,
                () ->
                    ClosedLoop.load(
                        count, TIME, callers, System::nanoTime, index -> calls.ask(stub)),
                () -> ClosedLoop.load(cores, TIME, pool, System::nanoTime, index -> engine.batch()),
                progress);
        figures.add(
            Pairs.of(pairs.stream().map(pair -> pair.map(Load::itemsPerSecond)).toList())
                .figure(
                    "%s x %d items, beside the engine".formatted(callers(count), GROUP),
                    "items/s",
                    count >= JUDGED_CALLERS ? new Goal.RatioAtLeast(0.90) : new Goal.Reported()));
        figures.add(
            Pairs.alone(
                "%s x %d items: p99".formatted(callers(count), GROUP),
                "ms",
                pairs.stream().map(pair -> pair.value().millisAt(99)).toList(),
                new Goal.Reported()));
      }
    }
    return figures;
  }

  /** What four members more cost, on one trunk. */
  List<Figure> members() throws IOException {
    writeOneMember(work.resolve("members"));
    try (RewardUnderTest server = start("members");
        ExecutorService callers = Executors.newVirtualThreadPerTaskExecutor()) {
      RewardServiceBlockingStub stub = RewardServiceGrpc.newBlockingStub(server.channel());
      List<Pair<Load>> pairs =
          Pairs.inTurns(
              repetitions,
              () -> load(MEMBER_CALLERS, callers, stub, calls(MODEL, GROUP)),
              () -> load(MEMBER_CALLERS, callers, stub, calls(ONE_MEMBER, GROUP)),
              progress);
      return List.of(
          Pairs.of(pairs.stream().map(pair -> pair.map(load -> load.millisAt(99))).toList())
              .figure("p99, five members beside one", "ms", new Goal.RatioAtMost(1.3)),
          Pairs.of(pairs.stream().map(pair -> pair.map(Load::itemsPerSecond)).toList())
              .figure("five members beside one", "items/s", new Goal.Reported()));
    }
  }

  private Load load(
      int count, ExecutorService callers, RewardServiceBlockingStub stub, RewardCalls calls) {
    return ClosedLoop.load(count, TIME, callers, System::nanoTime, index -> calls.ask(stub));
  }

  /** The first member of the default ensemble, as an ensemble of its own. */
  private void writeOneMember(Path data) throws IOException {
    ScoringModel five =
        ScoringModelFolder.read(
            models.resolve(MODEL).resolve("1"),
            DecoderConfig.read(models.resolve("java-tiny/1")).hiddenSize());
    ScoringSpec spec = five.spec();
    ScoringModelFolder.write(
        data.resolve("models").resolve(ONE_MEMBER).resolve("1"),
        new ScoringModel(
            new ScoringSpec(
                spec.kind(),
                spec.features(),
                spec.hiddenWidth(),
                spec.activation(),
                spec.trunk(),
                spec.promptTokens(),
                spec.normalizations().subList(0, 1),
                spec.inverseTemperatures().stream().limit(1).toList(),
                spec.calibration().orElseThrow(),
                spec.heldOutMembers().subList(0, 1),
                spec.heldOut()),
            new ScoringHeads(
                five.heads().featureMean(),
                five.heads().featureStd(),
                five.heads().heads().subList(0, 1))),
        Map.of("made_for", "bench"));
  }

  /** How long a person waits whose server trainers flood, beside a server of her own. */
  List<Figure> mixed() {
    List<Double> trained = new ArrayList<>();
    try (RewardUnderTest server = start("mixed")) {
      Target person = person(server.channel());
      List<Pair<LoadResult>> pairs =
          Pairs.inTurns(
              repetitions, () -> flooded(server, person, trained), () -> asked(person), progress);
      return List.of(
          Pairs.of(pairs.stream().map(p -> p.map(asked -> millisAt(asked, 99))).toList())
              .figure(
                  "a person among %d trainers: p99, beside alone".formatted(TRAINERS),
                  "ms",
                  new Goal.RatioAtMost(2)),
          Pairs.of(pairs.stream().map(p -> p.map(asked -> millisAt(asked, 50))).toList())
              .figure(
                  "a person among %d trainers: p50, beside alone".formatted(TRAINERS),
                  "ms",
                  new Goal.Reported()),
          Pairs.alone("... what the trainers get", "items/s", trained, new Goal.Reported()));
    }
  }

  private LoadResult flooded(RewardUnderTest server, Target person, List<Double> trained) {
    RewardCalls calls = new RewardCalls(texts, MODEL, Priority.PRIORITY_TRAINER, GROUP);
    RewardServiceBlockingStub stub = RewardServiceGrpc.newBlockingStub(server.channel());
    AtomicBoolean over = new AtomicBoolean();
    try (ExecutorService trainers = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<Long>> loops = new ArrayList<>();
      long begin = System.nanoTime();
      for (int i = 0; i < TRAINERS; i++) {
        loops.add(
            trainers.submit(
                () -> {
                  long items = 0;
                  while (!over.get()) {
                    items += calls.ask(stub);
                  }
                  return items;
                }));
      }
      LoadResult asked;
      try {
        asked = asked(person);
      } finally {
        over.set(true);
      }
      long items = 0;
      for (Future<Long> loop : loops) {
        items += ClosedLoop.ended(loop);
      }
      trained.add(items * 1e9 / (System.nanoTime() - begin));
      return asked;
    }
  }

  private static LoadResult asked(Target person) {
    LoadPlan plan =
        new LoadPlan(
            PERSON_RATE,
            Duration.ofSeconds(1),
            PERSON_TIME,
            4_096,
            1_000_000,
            Duration.ofSeconds(10));
    LoadResult result =
        new OpenLoop(new SystemPacer()).run(plan, Arrivals.evenly(PERSON_RATE), person);
    if (result.missedShare() > 0) {
      throw new IllegalStateException("calls were not answered: " + result.failures());
    }
    return result;
  }

  private static double millisAt(LoadResult result, double percent) {
    return result.latency().nanosAt(percent) / 1e6;
  }

  private Target person(ManagedChannel channel) {
    RewardServiceGrpc.RewardServiceStub stub = RewardServiceGrpc.newStub(channel);
    RewardCalls calls = new RewardCalls(texts, MODEL, Priority.PRIORITY_INTERACTIVE, 1);
    return (index, done) ->
        stub.withDeadlineAfter(10, TimeUnit.SECONDS)
            .score(
                calls.request(texts.next()),
                new UnaryAnswer<ScoreResponse>(
                    done,
                    answer -> {
                      var unused = RewardCalls.whole(answer);
                      return Outcome.answered("SCORED");
                    }));
  }

  /** What an item costs the server, by how many callers there are, each with its connection. */
  List<Figure> cost() {
    List<Figure> figures = new ArrayList<>();
    try (RewardUnderTest server = start("cost")) {
      for (int count : CONNECTIONS) {
        Connections many = new Connections(server, count);
        try (many) {
          figures.add(
              Pairs.measure(
                      repetitions,
                      () -> microsPerItem(server, many.stubs()),
                      () -> microsPerItem(server, many.stubs().subList(0, 1)),
                      progress)
                  .figure(
                      "CPU of the server, an item: %s beside one".formatted(callers(count)),
                      "us",
                      new Goal.RatioAtMost(1.10)));
        }
      }
    }
    return figures;
  }

  private double microsPerItem(RewardUnderTest server, List<RewardServiceBlockingStub> stubs) {
    RewardCalls calls = calls(MODEL, 1);
    try (ExecutorService callers = Executors.newVirtualThreadPerTaskExecutor()) {
      double before = server.cpuSeconds();
      Load load =
          ClosedLoop.loadOfEach(
              stubs.size(),
              COST_TIME,
              callers,
              System::nanoTime,
              caller -> calls.ask(stubs.get((int) caller)));
      return (server.cpuSeconds() - before) * 1e6 / load.items();
    }
  }

  /** Connections that are open together. */
  private static final class Connections implements AutoCloseable {
    private final List<ManagedChannel> channels = new ArrayList<>();

    Connections(RewardUnderTest server, int count) {
      for (int i = 0; i < count; i++) {
        channels.add(server.connect());
      }
    }

    List<RewardServiceBlockingStub> stubs() {
      return channels.stream().map(RewardServiceGrpc::newBlockingStub).toList();
    }

    @Override
    public void close() {
      channels.forEach(ManagedChannel::shutdownNow);
    }
  }

  private RewardUnderTest start(String part) {
    return RewardUnderTest.start(script, work.resolve(part), MODEL, texts);
  }

  private RewardCalls calls(String model, int items) {
    return new RewardCalls(texts, model, Priority.PRIORITY_TRAINER, items);
  }

  private static String callers(int count) {
    return count == 1 ? "1 caller" : "%,d callers".formatted(count);
  }
}
