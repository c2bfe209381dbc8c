package io.ballast.loadtest.bench;

import io.ballast.kit.grpc.PeerChannel;
import io.ballast.kit.resilience.PeerGuard;
import io.ballast.kit.resilience.PeerSettings;
import io.ballast.mesh.v1.Priority;
import io.ballast.reward.v1.RewardServiceGrpc;
import io.ballast.reward.v1.RewardServiceGrpc.RewardServiceBlockingStub;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.opentelemetry.api.OpenTelemetry;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * What two and four reward-servers answer beside half as many. Each scores on one core, and callers
 * spread their calls over them as servers do over replicas of a peer.
 */
final class GrowthBench {
  /** Processes; each number beside the one before it. */
  private static final List<Integer> PROCESSES = List.of(1, 2, 4);

  private static final int CALLERS = 32;
  private static final int ITEMS = 8;
  private static final String MODEL = "java-reward";
  private static final Duration TIME = Duration.ofSeconds(4);

  /** Of what so many cores more could do at most. */
  private static final double GOAL = 0.8;

  private final Path script;
  private final Path work;
  private final int repetitions;
  private final Runnable progress;
  private final RewardTexts texts = new RewardTexts();
  private final RewardCalls calls = new RewardCalls(texts, MODEL, Priority.PRIORITY_TRAINER, ITEMS);

  /**
   * Binds what is measured.
   *
   * @param script the {@code mesh} script of a built checkout
   * @param work a folder that may be written
   * @param repetitions of each pair, ≥ 1
   * @param progress told {@link #steps} times
   */
  GrowthBench(Path script, Path work, int repetitions, Runnable progress) {
    this.script = script;
    this.work = work;
    this.repetitions = repetitions;
    this.progress = progress;
  }

  /** How often it tells of progress. */
  static int steps(int repetitions) {
    return PROCESSES.getLast() + (PROCESSES.size() - 1) * Pairs.measured(repetitions);
  }

  /** Measures. */
  List<Figure> run() {
    List<RewardUnderTest> servers = new ArrayList<>();
    List<Figure> figures = new ArrayList<>();
    try (ExecutorService callers = Executors.newVirtualThreadPerTaskExecutor()) {
      for (int i = 0; i < PROCESSES.getLast(); i++) {
        servers.add(
            RewardUnderTest.start(
                script,
                work.resolve("grown-" + i),
                MODEL,
                texts,
                Map.of("BALLAST_REWARD_WORKERS", "1")));
        progress.run();
      }
      for (int i = 1; i < PROCESSES.size(); i++) {
        figures.add(
            beside(
                servers.subList(0, PROCESSES.get(i)),
                servers.subList(0, PROCESSES.get(i - 1)),
                callers));
      }
      return figures;
    } finally {
      servers.forEach(RewardUnderTest::close);
    }
  }

  private Figure beside(
      List<RewardUnderTest> more, List<RewardUnderTest> fewer, ExecutorService callers) {
    int cores = Runtime.getRuntime().availableProcessors();
    double most = (double) Math.min(cores, more.size()) / Math.min(cores, fewer.size());
    try (PeerChannel toMore = connect(more);
        PeerChannel toFewer = connect(fewer)) {
      return Pairs.measure(
              repetitions, () -> scored(toMore, callers), () -> scored(toFewer, callers), progress)
          .figure(
              "Score, %d processes of one worker on %d cores, beside %d"
                  .formatted(more.size(), cores, fewer.size()),
              "items/s",
              new Goal.RatioAtLeast(GOAL * most));
    }
  }

  private static PeerChannel connect(List<RewardUnderTest> servers) {
    PeerSettings settings = PeerSettings.defaults();
    return PeerChannel.open(
        servers.stream().map(server -> server.channel().authority()).toList(),
        new PeerGuard(
            "reward-server",
            settings,
            InstantSource.system(),
            System::nanoTime,
            new SimpleMeterRegistry()),
        settings,
        Optional.empty(),
        OpenTelemetry.noop());
  }

  private double scored(PeerChannel channel, ExecutorService callers) {
    RewardServiceBlockingStub stub = RewardServiceGrpc.newBlockingStub(channel.channel());
    return ClosedLoop.itemsPerSecond(
        CALLERS, TIME, callers, System::nanoTime, unused -> calls.ask(stub));
  }
}
