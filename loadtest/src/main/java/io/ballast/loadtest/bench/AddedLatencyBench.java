package io.ballast.loadtest.bench;

import io.ballast.kit.grpc.MeshMessages;
import io.ballast.loadtest.bench.Pairs.Pair;
import io.ballast.loadtest.openloop.Arrivals;
import io.ballast.loadtest.openloop.LoadPlan;
import io.ballast.loadtest.openloop.LoadResult;
import io.ballast.loadtest.openloop.OpenLoop;
import io.ballast.loadtest.openloop.Outcome;
import io.ballast.loadtest.openloop.SystemPacer;
import io.ballast.loadtest.openloop.Target;
import io.ballast.mesh.v1.Priority;
import io.ballast.mesh.v1.Timing;
import io.ballast.policy.v1.PolicyServiceGrpc;
import io.ballast.reward.v1.RewardServiceGrpc;
import io.ballast.reward.v1.ScoreResponse;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse;
import io.grpc.health.v1.HealthGrpc;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.HdrHistogram.ConcurrentHistogram;

/**
 * What the mesh adds to what the model takes: of each call, the time that its caller waits, less
 * the time in the model and in the queue before it, as the answer tells them. What is left is both
 * ends of gRPC, admission, aggregation, and the decision's commit. A health check for every fourth
 * call shows what of it is the transport and the machine.
 */
final class AddedLatencyBench {
  private static final int CALLERS = 16;
  private static final Duration CLOSED_TIME = Duration.ofSeconds(5);

  /**
   * In a closed loop no more is admitted than is answered soon, and it takes a while to be more.
   */
  private static final Duration SETTLING = Duration.ofSeconds(5);

  private static final Duration WARM_UP = Duration.ofSeconds(2);
  private static final Duration TIME = Duration.ofSeconds(20);
  private static final Duration TIMEOUT = Duration.ofSeconds(10);
  private static final int MOST_REPETITIONS = 5;
  private static final int MAX_IN_FLIGHT = 4_096;
  private static final long MAX_CALLS = 1_000_000;
  private static final double LOAD = 0.6;

  /** Few calls meet others then: what is left is what a call costs, not what it waits for. */
  private static final double LIGHT_LOAD = 0.1;

  private static final int CHECKS_EACH = 4;
  private static final int TOKENS = 8;
  private static final double GOAL_MILLIS = 1;
  private static final long NANOS = 1_000_000_000;

  private final Path script;
  private final Path work;
  private final int repetitions;
  private final Runnable progress;
  private long seed;

  /** What was seen of one load. Told on many threads. */
  private static final class Seen {
    private final ConcurrentHistogram added = new ConcurrentHistogram(3);
    private final ConcurrentHistogram checks = new ConcurrentHistogram(3);

    void answered(long sent, long modelNanos) {
      added.recordValue(Math.max(0, System.nanoTime() - sent - modelNanos));
    }

    void checked(long sent) {
      checks.recordValue(Math.max(0, System.nanoTime() - sent));
    }

    double addedMillis(double percent) {
      return added.getValueAtPercentile(percent) / 1e6;
    }

    double checkMillis(double percent) {
      return checks.getValueAtPercentile(percent) / 1e6;
    }
  }

  /**
   * Binds what is measured.
   *
   * @param script the {@code mesh} script of a built checkout
   * @param work a folder that may be written
   * @param repetitions of each load, ≥ 1; no more than five are made
   * @param progress told after each load
   */
  AddedLatencyBench(Path script, Path work, int repetitions, Runnable progress) {
    this.script = script;
    this.work = work;
    this.repetitions = Math.min(MOST_REPETITIONS, repetitions);
    this.progress = progress;
  }

  /** How often {@link #run} tells of progress. */
  static int steps(int repetitions) {
    return 2 * (1 + 2 * Math.min(MOST_REPETITIONS, repetitions));
  }

  /** Loads a mesh with its defaults, but for what remembers scores. */
  List<Figure> run() {
    List<Figure> figures = new ArrayList<>();
    try (MeshUnderTest mesh =
        MeshUnderTest.start(
            script,
            work.resolve("added"),
            Map.of("BALLAST_REWARD_CACHE_BYTES", "0"),
            Duration.ofMinutes(2))) {
      SuggestCalls suggestions = new SuggestCalls(false, TOKENS);
      var suggest = PolicyServiceGrpc.newBlockingStub(mesh.channel());
      figures.addAll(
          added(
              mesh,
              "Suggest and its feedback",
              unused -> suggestions.ask(suggest),
              suggest(mesh, suggestions)));
      RewardCalls scores = new RewardCalls(new RewardTexts(), "", Priority.PRIORITY_INTERACTIVE, 1);
      var score = RewardServiceGrpc.newBlockingStub(mesh.channel());
      figures.addAll(
          added(mesh, "Score of an item", unused -> scores.ask(score), score(mesh, scores)));
    }
    return figures;
  }

  private List<Figure> added(
      MeshUnderTest mesh, String name, ClosedLoop.Call alone, Function<Seen, Target> target) {
    double most = ClosedLoop.warmItemsPerSecond(CALLERS, CLOSED_TIME, alone);
    progress.run();
    var settled = load(mesh, LOAD * most, SETTLING, target, new Seen());
    List<Figure> figures = new ArrayList<>(atLoad(mesh, name, LOAD, most, target));
    figures.addAll(atLoad(mesh, "... the same", LIGHT_LOAD, most, target));
    return figures;
  }

  /** What is added at {@code load} of {@code most} calls a second; the light load has no goal. */
  private List<Figure> atLoad(
      MeshUnderTest mesh, String name, double load, double most, Function<Seen, Target> target) {
    double rate = load * most;
    List<Pair<Double>> tails = new ArrayList<>();
    List<Pair<Double>> middles = new ArrayList<>();
    for (int i = 0; i < repetitions; i++) {
      Seen seen = new Seen();
      LoadResult result = load(mesh, rate, TIME, target, seen);
      if (result.missedShare() > 0) {
        throw new IllegalStateException(
            "at %.0f calls/s calls were not answered: %s".formatted(rate, result.failures()));
      }
      tails.add(new Pair<>(seen.addedMillis(99), seen.checkMillis(99)));
      middles.add(new Pair<>(seen.addedMillis(50), seen.checkMillis(50)));
      progress.run();
    }
    return List.of(
        Pairs.of(tails)
            .figure(
                "%s at %.0f calls/s, %.0f %%: p99 without model and queue, beside a health check"
                    .formatted(name, rate, 100 * load),
                "ms",
                load == LOAD ? new Goal.Below(GOAL_MILLIS) : new Goal.Reported()),
        Pairs.of(middles).figure("... p50", "ms", new Goal.Reported()));
  }

  private LoadResult load(
      MeshUnderTest mesh, double rate, Duration time, Function<Seen, Target> target, Seen seen) {
    Seen warm = new Seen();
    Target warming = beside(mesh, target.apply(warm), warm);
    Target measured = beside(mesh, target.apply(seen), seen);
    double all = rate * (CHECKS_EACH + 1) / CHECKS_EACH;
    double before = all * WARM_UP.toNanos() / NANOS;
    LoadPlan plan = new LoadPlan(all, WARM_UP, time, MAX_IN_FLIGHT, MAX_CALLS, TIMEOUT);
    return new OpenLoop(new SystemPacer())
        .run(
            plan,
            Arrivals.poisson(all, new SplittableRandom(++seed)),
            (index, done) -> (index < before ? warming : measured).call(index, done));
  }

  /** Every so many calls a health check. */
  private static Target beside(MeshUnderTest mesh, Target target, Seen seen) {
    HealthGrpc.HealthStub health = HealthGrpc.newStub(mesh.channel());
    return (index, done) -> {
      if (index % (CHECKS_EACH + 1) != CHECKS_EACH) {
        target.call(index, done);
        return;
      }
      long sent = System.nanoTime();
      health
          .withDeadlineAfter(TIMEOUT.toNanos(), TimeUnit.NANOSECONDS)
          .check(
              HealthCheckRequest.getDefaultInstance(),
              new UnaryAnswer<HealthCheckResponse>(
                  done,
                  answer -> {
                    seen.checked(sent);
                    return Outcome.answered("CHECKED");
                  }));
    };
  }

  private static Function<Seen, Target> suggest(MeshUnderTest mesh, SuggestCalls calls) {
    return seen ->
        (index, done) -> {
          long sent = System.nanoTime();
          calls.askAndAccept(
              mesh.channel(),
              TIMEOUT,
              answer -> seen.answered(sent, nanos(answer.getTiming().getInferDuration())),
              done);
        };
  }

  private static Function<Seen, Target> score(MeshUnderTest mesh, RewardCalls calls) {
    var stub = RewardServiceGrpc.newStub(mesh.channel());
    return seen ->
        (index, done) -> {
          long sent = System.nanoTime();
          stub.withDeadlineAfter(TIMEOUT.toNanos(), TimeUnit.NANOSECONDS)
              .score(
                  calls.request(calls.texts().next()),
                  new UnaryAnswer<ScoreResponse>(
                      done,
                      answer -> {
                        seen.answered(sent, modelNanos(RewardCalls.whole(answer).getTiming()));
                        return Outcome.answered("SCORED");
                      }));
        };
  }

  /** In the model, and waiting for it. */
  private static long modelNanos(Timing timing) {
    return nanos(timing.getQueueDuration())
        + nanos(timing.getBatchWaitDuration())
        + nanos(timing.getTokeniseDuration())
        + nanos(timing.getInferDuration());
  }

  private static long nanos(com.google.protobuf.Duration duration) {
    return MeshMessages.duration(duration).toNanos();
  }
}
