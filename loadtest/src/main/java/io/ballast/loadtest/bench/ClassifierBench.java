package io.ballast.loadtest.bench;

import io.ballast.loadtest.bench.ClassifierPeer.Kind;
import io.ballast.loadtest.bench.ClosedLoop.Load;
import io.ballast.loadtest.bench.Pairs.Pair;
import io.ballast.mesh.v1.Priority;
import io.ballast.reward.v1.RewardServiceGrpc;
import io.ballast.reward.v1.RewardServiceGrpc.RewardServiceBlockingStub;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Consumer;
import java.util.function.DoubleSupplier;

/**
 * One classifier served by a reward-server and by what people serve classifiers with in Python, on
 * the same cores: 32 callers, a text a request, each text once. A peer whose packages are not there
 * is left out with a word, its figure unmeasured.
 */
final class ClassifierBench {
  private static final String MODEL = "classifier";
  private static final int CALLERS = 32;
  private static final int COMPARED = 32;
  private static final double AGREEMENT = 1e-3;
  private static final int MOST_REPETITIONS = 5;
  private static final Duration TIME = Duration.ofSeconds(4);

  private final Path script;
  private final Path trunk;
  private final Path work;
  private final String python;
  private final int repetitions;
  private final Runnable progress;
  private final Consumer<String> word;
  private final RewardTexts texts = new RewardTexts();

  /** What one side did: the callers' calls, and the server's CPU for each. */
  private record Served(Load load, double cpuMicros) {}

  /** Scores a text. */
  @FunctionalInterface
  private interface Server {
    double score(String text) throws IOException;
  }

  /**
   * Binds what is measured.
   *
   * @param script the {@code mesh} script of a built checkout
   * @param trunk the folder java-tiny/1
   * @param work a folder that may be written
   * @param python the interpreter that has the packages
   * @param repetitions of each pair, ≥ 1; no more than five are made
   * @param progress told after each pair
   * @param word told why a peer is left out
   */
  ClassifierBench(
      Path script,
      Path trunk,
      Path work,
      String python,
      int repetitions,
      Runnable progress,
      Consumer<String> word) {
    this.script = script;
    this.trunk = trunk;
    this.work = work;
    this.python = python;
    this.repetitions = Math.min(MOST_REPETITIONS, repetitions);
    this.progress = progress;
    this.word = word;
  }

  /** How often {@link #run} tells of progress. */
  static int steps(int repetitions) {
    return Kind.values().length * Pairs.measured(Math.min(MOST_REPETITIONS, repetitions));
  }

  /** Measures beside each peer that is installed. */
  List<Figure> run() throws IOException {
    Path data = work.resolve("classifier");
    Path folder = work.resolve("classifier-hf");
    ClassifierFolder.write(trunk, folder, data.resolve("models").resolve(MODEL).resolve("1"));
    List<Figure> figures = new ArrayList<>();
    try (RewardUnderTest ours = RewardUnderTest.start(script, data, MODEL, texts)) {
      for (Kind kind : Kind.values()) {
        Optional<ClassifierPeer> started =
            ClassifierPeer.start(
                kind,
                python,
                folder,
                work.resolve(kind.name()),
                Runtime.getRuntime().availableProcessors());
        if (started.isEmpty()) {
          word.accept(
              "%s is left out: %s or one of its packages is not there (--python names another)"
                  .formatted(kind.title(), python));
          figures.add(Figure.unmeasured(name(kind), "calls/s", goal(kind)));
          continue;
        }
        try (ClassifierPeer peer = started.get()) {
          word.accept("beside " + peer.version());
          figures.addAll(beside(kind, ours, peer));
        }
      }
    }
    return figures;
  }

  private List<Figure> beside(Kind kind, RewardUnderTest ours, ClassifierPeer peer)
      throws IOException {
    RewardServiceBlockingStub stub = RewardServiceGrpc.newBlockingStub(ours.channel());
    RewardCalls calls = new RewardCalls(texts, MODEL, Priority.PRIORITY_TRAINER, 1);
    Server server = text -> score(stub, calls, text);
    double apart = 0;
    for (int i = 0; i < COMPARED; i++) {
      String text = RewardTexts.text(texts.next());
      apart = Math.max(apart, Math.abs(server.score(text) - peer.score(text)));
    }
    if (!(apart <= AGREEMENT)) {
      throw new IllegalStateException(
          "%s serves another classifier: scores differ by %.2g (expected: at most %.0e)"
              .formatted(kind.title(), apart, AGREEMENT));
    }
    List<Pair<Served>> pairs =
        Pairs.inTurns(
            repetitions,
            () -> served(server, ours::cpuSeconds),
            () -> served(peer::score, peer::cpuSeconds),
            progress);
    return List.of(
        Pairs.of(pairs.stream().map(p -> p.map(s -> s.load().callsPerSecond())).toList())
            .figure(name(kind), "calls/s", goal(kind)),
        Pairs.of(pairs.stream().map(p -> p.map(s -> s.load().millisAt(99))).toList())
            .figure("... p99", "ms", new Goal.RatioAtMost(1)),
        Pairs.of(pairs.stream().map(p -> p.map(s -> s.load().millisAt(50))).toList())
            .figure("... p50", "ms", new Goal.Reported()),
        Pairs.of(pairs.stream().map(p -> p.map(Served::cpuMicros)).toList())
            .figure("... CPU of the server, a call", "us", new Goal.Reported()));
  }

  private static String name(Kind kind) {
    return "%d callers, beside %s".formatted(CALLERS, kind.title());
  }

  private static Goal goal(Kind kind) {
    return new Goal.RatioAtLeast(kind.goal());
  }

  private static double score(RewardServiceBlockingStub stub, RewardCalls calls, String text) {
    // an empty prompt is the token that ends a text, which the peers put before theirs
    return RewardCalls.ask(stub, calls.request("", List.of(text)))
        .getResults(0)
        .getMembers(0)
        .getRawScore();
  }

  private Served served(Server server, DoubleSupplier cpuSeconds) {
    try (ExecutorService callers = Executors.newVirtualThreadPerTaskExecutor()) {
      double before = cpuSeconds.getAsDouble();
      Load load =
          ClosedLoop.load(
              CALLERS,
              TIME,
              callers,
              System::nanoTime,
              index -> {
                if (!Double.isFinite(server.score(RewardTexts.text(texts.next())))) {
                  throw new IllegalStateException("a score is not finite");
                }
                return 1;
              });
      double cpu = cpuSeconds.getAsDouble() - before;
      return new Served(load, cpu * 1e6 / load.items());
    }
  }
}
