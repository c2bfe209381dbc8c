package io.ballast.orchestrator.core.run;

import static io.ballast.orchestrator.core.run.LoopWorld.RUN_ID;
import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.orchestrator.testing.CrashPoints;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** Kills runs at every moment, and compares how they end with those that nobody killed. */
final class KilledRuns {
  private KilledRuns() {}

  /** Kills a run at each of its touches of the world in turn; returns the one that was not. */
  static Run killAnywhere(Path temporary, String spec) throws IOException {
    return killAnywhere(temporary, root -> new LoopWorld(root, spec));
  }

  /** The same in worlds of other ways. */
  static Run killAnywhere(Path temporary, Function<Path, LoopWorld> worlds) throws IOException {
    LoopWorld whole = worlds.apply(temporary.resolve("whole"));
    CrashPoints counted = new CrashPoints(0);
    Run expected = whole.work(counted);
    assertThat(counted.passed()).isGreaterThan(100);

    IntStream.rangeClosed(1, counted.passed())
        .parallel() // each is a world of its own
        .forEach(fatal -> assertThatItEndsLike(temporary, whole, expected, worlds, fatal));
    return expected;
  }

  private static void assertThatItEndsLike(
      Path temporary, LoopWorld whole, Run expected, Function<Path, LoopWorld> worlds, int fatal) {
    LoopWorld world = worlds.apply(temporary.resolve("killed-" + fatal));
    CrashPoints points = new CrashPoints(fatal);
    try {
      world.work(points);
    } catch (CrashPoints.Killed killed) {
      // the process is gone; what it had stored is there
    }
    Run run = world.workIfActive();

    String where = "touch " + fatal + ", " + points.where();
    assertThat(withoutFence(run)).as(where).isEqualTo(withoutFence(expected));
    assertThat(world.store.iterations(RUN_ID, 0))
        .as(where)
        .usingRecursiveFieldByFieldElementComparatorIgnoringFields(
            "sampleSeconds", "judgeSeconds", "learnSeconds", "spent.seconds")
        .isEqualTo(whole.store.iterations(RUN_ID, 0));
    assertThat(world.store.loopState(RUN_ID)).as(where).isEqualTo(whole.store.loopState(RUN_ID));
    assertThat(world.store.prompts(RUN_ID)).as(where).isEqualTo(whole.store.prompts(RUN_ID));
    assertThat(world.peers.promotions).as(where).isEqualTo(whole.peers.promotions);
    assertThat(world.peers.tests.keySet()).as(where).isEqualTo(whole.peers.tests.keySet());
    try {
      assertThat(world.folders("tiny")).as(where).isEqualTo(whole.folders("tiny"));
      assertThat(world.weightsOfTheCandidate()).as(where).isEqualTo(whole.weightsOfTheCandidate());
    } catch (IOException e) {
      throw new UncheckedIOException(where, e);
    }
  }

  /** What a run became, without how often it was taken up and how long it took. */
  static Run withoutFence(Run run) {
    RunProgress p = run.progress();
    IterationMetrics latest = p.latest();
    return new Run(
        run.runId(),
        run.tenant(),
        run.name(),
        run.spec(),
        run.base(),
        run.iterationsCount(),
        run.createdAt(),
        new RunProgress(
            p.state(),
            p.pauseAsked(),
            0,
            p.iterationsDone(),
            latest == null ? null : timeless(latest),
            p.earlyStopReason(),
            p.alarms(),
            p.candidate(),
            p.candidateIteration(),
            p.candidateReason(),
            p.testAttempts(),
            p.spentAttempts(),
            p.tests(),
            p.nextTest(),
            p.message(),
            p.endedAt()));
  }

  private static IterationMetrics timeless(IterationMetrics m) {
    return new IterationMetrics(
        m.iteration(),
        m.samplesCount(),
        m.droppedCount(),
        m.rounds(),
        m.meanReward(),
        m.meanSpread(),
        m.constraints(),
        m.measured(),
        m.klNats(),
        m.entropyNats(),
        m.meanCompletionTokens(),
        m.learning(),
        m.loss(),
        m.gradientNorm(),
        m.trainServeGapNats(),
        m.watch(),
        m.evaluation(),
        timeless(m.spent()),
        0,
        0,
        0,
        m.committedAt());
  }

  private static @Nullable Spent timeless(@Nullable Spent spent) {
    return spent == null ? null : new Spent(spent.completionTokens(), 0, null);
  }
}
