package io.ballast.loadtest.bench;

import io.ballast.loadtest.bench.ClosedLoop.Load;
import io.ballast.loadtest.bench.FlatMemoryBench.Sample;
import io.ballast.mesh.v1.Priority;
import io.ballast.reward.v1.RewardServiceGrpc;
import io.ballast.reward.v1.RewardServiceGrpc.RewardServiceBlockingStub;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * Whether a reward-server's memory stays what it is while 32 callers ask as fast as they are
 * answered, each time about other texts.
 */
final class RewardFloodBench {
  private static final String MODEL = "java-reward";
  private static final int SAMPLES = 40;
  private static final int CALLERS = 32;
  private static final int ITEMS = 8;
  private static final double GOAL = 1.05;

  private final Path script;
  private final Path work;
  private final Duration duration;
  private final Runnable progress;

  /** What was seen: memory, and how much was scored meanwhile. */
  record Flood(List<Sample> samples, long items, double seconds) {}

  /**
   * Binds what is measured.
   *
   * @param script the {@code mesh} script of a built checkout
   * @param work a folder that may be written
   * @param duration of the flood
   * @param progress told after each sample
   */
  RewardFloodBench(Path script, Path work, Duration duration, Runnable progress) {
    this.script = script;
    this.work = work;
    this.duration = duration;
    this.progress = progress;
  }

  /** How often {@link #flood} tells of progress. */
  static int steps() {
    return SAMPLES;
  }

  /** Floods a server, and looks at its memory on the way. */
  Flood flood() throws IOException, InterruptedException {
    RewardTexts texts = new RewardTexts();
    RewardCalls calls = new RewardCalls(texts, MODEL, Priority.PRIORITY_TRAINER, ITEMS);
    List<Sample> samples = new ArrayList<>();
    try (RewardUnderTest server =
            RewardUnderTest.start(script, work.resolve("flood"), MODEL, texts);
        RemoteHeap heap = RemoteHeap.of(server.process());
        ExecutorService executor = Executors.newSingleThreadExecutor();
        ExecutorService callers = Executors.newVirtualThreadPerTaskExecutor()) {
      long begin = System.nanoTime();
      RewardServiceBlockingStub stub = RewardServiceGrpc.newBlockingStub(server.channel());
      Future<Load> load =
          executor.submit(
              () ->
                  ClosedLoop.load(
                      CALLERS, duration, callers, System::nanoTime, index -> calls.ask(stub)));
      for (int i = 1; i <= SAMPLES && !load.isDone(); i++) {
        long due = begin + duration.toNanos() * i / SAMPLES;
        Thread.sleep(Duration.ofNanos(Math.max(0, due - System.nanoTime())));
        long live = heap.liveBytes();
        samples.add(
            new Sample(
                Math.toIntExact(Math.round((System.nanoTime() - begin) / 1e9)),
                FlatMemoryBench.resident(Long.toString(server.process().pid())),
                live));
        progress.run();
      }
      Load whole = ClosedLoop.ended(load);
      return new Flood(samples, whole.items(), whole.seconds());
    }
  }

  /** The mean of the last quarter beside that of the second. */
  static List<Figure> figures(Flood flood) {
    List<Figure> figures = new ArrayList<>();
    figures.add(
        FlatMemoryBench.lateBesideEarly(
            "flood: resident memory",
            flood.samples().stream().map(s -> s.residentBytes() / 1e6).toList(),
            GOAL));
    figures.add(
        FlatMemoryBench.lateBesideEarly(
            "flood: live heap",
            flood.samples().stream().map(s -> s.heapBytes() / 1e6).toList(),
            GOAL));
    figures.add(
        Pairs.alone(
            "flood: resident memory",
            "MB",
            flood.samples().stream().map(s -> s.residentBytes() / 1e6).toList(),
            new Goal.Reported()));
    figures.add(
        Pairs.alone(
            "flood: %d callers x %d items".formatted(CALLERS, ITEMS),
            "items/s",
            List.of(flood.items() / flood.seconds()),
            new Goal.Reported()));
    return figures;
  }

  /** The samples as a picture. */
  static String svg(Flood flood) {
    return FlatMemoryBench.svg(
        flood.samples(),
        String.format(
            Locale.ROOT,
            "Memory of a reward-server over %,.0f s of flood, %,d items",
            flood.seconds(),
            flood.items()),
        "seconds");
  }
}
