package io.ballast.orchestrator.adapter;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.kit.call.PinnedVersion;
import io.ballast.orchestrator.core.run.ConstraintReading;
import io.ballast.orchestrator.core.run.IterationMetrics;
import io.ballast.orchestrator.core.run.LearningMetrics;
import io.ballast.orchestrator.core.run.Run;
import io.ballast.orchestrator.core.run.RunProgress;
import io.ballast.orchestrator.core.watch.IterationWatch;
import io.ballast.orchestrator.testing.QuietMonitor;
import io.ballast.testing.EventFileReader;
import io.ballast.testing.HeardLog;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.logging.Level;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A file that cannot be written costs a line and no run. */
class EventRecorderTest {
  @TempDir private Path root = Path.of(".");

  private final Seen seen = new Seen();

  @Test
  void whatIsThrownWhileWritingReachesNoRun() {
    // no path has such a name: InvalidPathException
    Run run = run("ti\0dy");
    try (HeardLog log = HeardLog.of(EventRecorder.class.getName(), Level.WARNING)) {
      EventRecorder recorder = recorder(root);
      recorder.iterated(run, iteration(1));
      recorder.iterated(run, iteration(2));

      assertThat(log.messages())
          .singleElement()
          .satisfies(
              line ->
                  assertThat(line)
                      .contains("iteration 1: no event for TensorBoard", "InvalidPathException"));
    }
    assertThat(seen.iterations).containsExactly(1, 2);
  }

  @Test
  void aFailureIsToldOnceUntilAWriteSucceeds() throws IOException {
    Path folder = Files.writeString(root.resolve("events"), "in the way");
    Run run = run("tidy");
    try (HeardLog log = HeardLog.of(EventRecorder.class.getName(), Level.WARNING)) {
      EventRecorder recorder = recorder(folder);
      recorder.iterated(run, iteration(1));
      recorder.iterated(run, iteration(2));
      Files.delete(folder);
      recorder.iterated(run, iteration(3));
      Path file =
          new EventFolder(folder)
              .file(new EventFolder.RunKey(run.name(), run.runId(), run.createdAt()));
      assertThat(EventFileReader.read(file))
          .extracting(EventFileReader.Event::step)
          .containsExactly(0L, 3L);
      Files.delete(file);
      Files.createDirectory(file);
      recorder.iterated(run, iteration(4));

      assertThat(log.messages()).hasSize(2);
      assertThat(log.messages().getFirst()).contains("iteration 1: ");
      assertThat(log.messages().getLast()).contains("iteration 4: ");
    }
  }

  @Test
  void whatUpdatesDidIsPassedOn() {
    recorder(root).updated(run("tidy"), LearningMetrics.unknown());

    assertThat(seen.updates).containsExactly(LearningMetrics.unknown());
  }

  private EventRecorder recorder(Path folder) {
    return new EventRecorder(
        seen, new EventFolder(folder), metrics -> Map.of("train/loss", metrics.loss()));
  }

  private static Run run(String name) {
    return new Run(
        "0c7f0000-0000-4000-8000-000000000002",
        "default",
        name,
        "name: tidy",
        new PinnedVersion("tiny", "1", "ab".repeat(32)),
        4,
        Instant.EPOCH,
        RunProgress.queued());
  }

  private static IterationMetrics iteration(int number) {
    return new IterationMetrics(
        number,
        8,
        0,
        null,
        OptionalDouble.of(0.5),
        OptionalDouble.empty(),
        List.of(new ConstraintReading("harm", 0.5, null, null, null, false)),
        List.of(),
        OptionalDouble.of(0.01),
        1,
        5,
        LearningMetrics.unknown(),
        0.25,
        1,
        0,
        IterationWatch.QUIET,
        null,
        null,
        1,
        1,
        1,
        Instant.EPOCH);
  }

  /** The monitor behind. */
  private static final class Seen extends QuietMonitor {
    private final List<Integer> iterations = new ArrayList<>();
    private final List<LearningMetrics> updates = new ArrayList<>();

    @Override
    public void updated(Run run, LearningMetrics learning) {
      updates.add(learning);
    }

    @Override
    public void iterated(Run run, IterationMetrics metrics) {
      iterations.add(metrics.iteration());
    }
  }
}
