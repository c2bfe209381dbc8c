package io.ballast.loadtest.bench;

import io.ballast.loadtest.bench.FlatMemoryBench.Sample;
import io.ballast.loadtest.openloop.Arrivals;
import io.ballast.loadtest.openloop.LoadPlan;
import io.ballast.loadtest.openloop.LoadResult;
import io.ballast.loadtest.openloop.OpenLoop;
import io.ballast.loadtest.openloop.SystemPacer;
import io.ballast.loadtest.openloop.Target;
import io.ballast.mesh.v1.Priority;
import io.ballast.policy.v1.FeedbackServiceGrpc;
import io.ballast.policy.v1.PolicyServiceGrpc;
import io.ballast.reward.v1.RewardServiceGrpc;
import io.ballast.reward.v1.ScoreResponse;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

/**
 * Whether a mesh's memory stays what it is at 60 % of what it can do: suggestions with reward, cost
 * and gate, the event that each was taken, and a call of Score for each.
 */
final class SoakBench {
  private static final int SAMPLES = 60;

  /** Seldom: it makes the server collect, which it would not have done otherwise. */
  private static final int HEAP_EACH = 15;

  private static final int CALLERS = 16;
  private static final int ITEMS = 4;
  private static final int TOKENS = 8;
  private static final double LOAD = 0.6;
  private static final double GOAL = 1.05;
  private static final int MAX_IN_FLIGHT = 4_096;
  private static final long MAX_CALLS = 10_000_000;
  private static final Duration CLOSED_TIME = Duration.ofSeconds(10);
  private static final Duration TIMEOUT = Duration.ofSeconds(10);

  private final Path script;
  private final Path work;
  private final Duration duration;
  private final Runnable progress;
  private final SuggestCalls suggestions = new SuggestCalls(true, TOKENS);
  private final RewardCalls scores =
      new RewardCalls(new RewardTexts(), "", Priority.PRIORITY_TRAINER, ITEMS);

  /** What was seen: memory of the server's process, what was sent, and what was answered. */
  record Soak(List<Sample> samples, LoadResult load) {}

  /**
   * Binds what is measured.
   *
   * @param script the {@code mesh} script of a built checkout
   * @param work a folder that may be written
   * @param duration of the soak
   * @param progress told after each sample
   */
  SoakBench(Path script, Path work, Duration duration, Runnable progress) {
    this.script = script;
    this.work = work;
    this.duration = duration;
    this.progress = progress;
  }

  /** How often {@link #soak} tells of progress. */
  static int steps() {
    return SAMPLES;
  }

  /** Loads a mesh, and looks at its memory on the way. */
  Soak soak() throws IOException, InterruptedException {
    List<Sample> samples = new ArrayList<>();
    try (MeshUnderTest mesh =
            MeshUnderTest.start(script, work.resolve("soak"), Map.of(), Duration.ofMinutes(2));
        RemoteHeap heap = RemoteHeap.of(mesh.server());
        ExecutorService executor = Executors.newSingleThreadExecutor()) {
      double rate = LOAD * most(mesh);
      LoadPlan plan =
          new LoadPlan(rate, Duration.ZERO, duration, MAX_IN_FLIGHT, MAX_CALLS, TIMEOUT);
      Target target = target(mesh);
      long begin = System.nanoTime();
      Future<LoadResult> load =
          executor.submit(
              () ->
                  new OpenLoop(new SystemPacer())
                      .run(plan, Arrivals.poisson(rate, new SplittableRandom(1)), target));
      long live = 0;
      for (int i = 1; i <= SAMPLES && !load.isDone(); i++) {
        long due = begin + duration.toNanos() * i / SAMPLES;
        Thread.sleep(Duration.ofNanos(Math.max(0, due - System.nanoTime())));
        long resident = ProcessMemory.resident(mesh.server());
        if (i % HEAP_EACH == 0 || samples.isEmpty()) {
          live = heap.liveBytes();
        }
        samples.add(
            new Sample(
                Math.toIntExact(Math.round((System.nanoTime() - begin) / 1e9)), resident, live));
        progress.run();
      }
      return new Soak(samples, ClosedLoop.ended(load));
    }
  }

  /** The mean of the last quarter beside that of the second, and what the load came to. */
  static List<Figure> figures(Soak soak) {
    List<Double> resident = soak.samples().stream().map(s -> s.residentBytes() / 1e6).toList();
    List<Figure> figures = new ArrayList<>();
    figures.add(FlatMemoryBench.lateBesideEarly("soak at 60 %: resident memory", resident, GOAL));
    figures.add(
        FlatMemoryBench.lateBesideEarly(
            "soak at 60 %: live heap",
            soak.samples().stream().map(s -> s.heapBytes() / 1e6).toList(), GOAL));
    figures.add(Pairs.alone("... resident memory", "MB", resident, new Goal.Reported()));
    figures.add(
        Pairs.alone(
            "... calls not answered as asked, of %,d".formatted(soak.load().planned()),
            "%",
            List.of(100 * soak.load().missedShare()),
            new Goal.Below(0.1)));
    missed(soak.load())
        .forEach(
            (why, calls) ->
                figures.add(
                    Pairs.alone(
                        "... of these " + why,
                        "calls",
                        List.of((double) calls),
                        new Goal.Reported())));
    figures.add(
        Pairs.alone(
            "... p99",
            "ms",
            List.of(soak.load().latency().nanosAt(99) / 1e6),
            new Goal.Reported()));
    return figures;
  }

  /** Calls that were not answered as asked, by what became of them. */
  private static Map<String, Long> missed(LoadResult load) {
    Map<String, Long> missed = new TreeMap<>(load.failures());
    missed.put("not sent: too many under way", load.dropped());
    missed.put("not sent: too late", load.unsent());
    missed.values().removeIf(calls -> calls == 0);
    return missed;
  }

  /** The samples as a picture. */
  static String svg(Soak soak) {
    return FlatMemoryBench.svg(
        soak.samples(),
        String.format(
            Locale.ROOT, "Memory of a mesh at 60 %% of its load, %,d calls", soak.load().planned()),
        "seconds");
  }

  /** Calls a second, of either kind, of callers who ask again as soon as they are answered. */
  private double most(MeshUnderTest mesh) {
    var policy = PolicyServiceGrpc.newBlockingStub(mesh.channel());
    var feedback = FeedbackServiceGrpc.newBlockingStub(mesh.channel());
    var reward = RewardServiceGrpc.newBlockingStub(mesh.channel());
    return ClosedLoop.warmItemsPerSecond(
        CALLERS,
        CLOSED_TIME,
        index -> {
          long told = SuggestCalls.accept(feedback, suggestions.suggestion(policy), "");
          return told + scores.ask(reward) / ITEMS;
        });
  }

  /** A suggestion and its event, and a call of Score, in turns. */
  private Target target(MeshUnderTest mesh) {
    var reward = RewardServiceGrpc.newStub(mesh.channel());
    return (index, done) -> {
      if (index % 2 == 0) {
        suggestions.askAndAccept(mesh.channel(), TIMEOUT, seen -> {}, done);
        return;
      }
      reward
          .withDeadlineAfter(TIMEOUT.toNanos(), TimeUnit.NANOSECONDS)
          .score(
              scores.request(scores.texts().next()),
              new UnaryAnswer<ScoreResponse>(done, RewardCalls::outcome));
    };
  }
}
