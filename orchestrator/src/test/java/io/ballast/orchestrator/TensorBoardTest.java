package io.ballast.orchestrator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.ballast.kit.grpc.Timestamps;
import io.ballast.orchestrator.adapter.EventRecorder;
import io.ballast.orchestrator.adapter.IterationScalars;
import io.ballast.orchestrator.testing.TestMesh;
import io.ballast.orchestrator.testing.TestSpecs;
import io.ballast.orchestrator.v1.IterationMetrics;
import io.ballast.orchestrator.v1.Run;
import io.ballast.orchestrator.v1.RunState;
import io.ballast.testing.EventFileReader;
import io.ballast.testing.EventFileReader.Event;
import io.ballast.testing.HeardLog;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.logging.Level;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a run does is written for TensorBoard, iteration by iteration, where a folder is set. */
class TensorBoardTest {
  @TempDir private Path root = Path.of(".");

  @Test
  void everyIterationIsAnEventWithAllItsNumbers() throws IOException {
    Path folder = root.resolve("events");
    try (TestMesh mesh = TestMesh.start(root, Map.of("tensorboard.folder", folder.toString()))) {
      Run run = mesh.awaitEnd(mesh.create(TestSpecs.spec("seen")).getRunId());
      String id = run.getRunId();
      List<IterationMetrics> iterations = mesh.get(id).getIterationsList();

      List<Event> events =
          EventFileReader.read(
              folder
                  .resolve("seen-" + id.substring(0, 8))
                  .resolve(
                      "events.out.tfevents.%010d.%s"
                          .formatted(run.getCreateTime().getSeconds(), id)));

      assertThat(events.getFirst().version()).isEqualTo("brain.Event:2");
      assertThat(events.subList(1, events.size()))
          .hasSameSizeAs(iterations)
          .zipSatisfy(iterations, TensorBoardTest::same);
      assertThat(events.getLast().scalars())
          .containsKeys("constraint/harm/lambda", "train/serve_gap_nats", "train/reward_spread");
    }
  }

  private static void same(Event event, IterationMetrics metrics) {
    assertThat(event.step()).isEqualTo(metrics.getIteration());
    assertThat(event.wallSeconds())
        .isCloseTo(Timestamps.instant(metrics.getCommitTime()).toEpochMilli() / 1e3, within(1e-3));
    Map<String, Double> scalars = IterationScalars.of(metrics);
    assertThat(event.scalars()).hasSameSizeAs(scalars);
    scalars.forEach(
        (tag, number) -> assertThat(event.scalars()).containsEntry(tag, number.floatValue()));
  }

  @Test
  void aFolderThatCannotBeWrittenCostsNoRun() throws IOException {
    Path file = Files.writeString(root.resolve("events"), "in the way");
    try (TestMesh mesh = TestMesh.start(root, Map.of("tensorboard.folder", file.toString()));
        HeardLog log = HeardLog.of(EventRecorder.class.getName(), Level.WARNING)) {
      Run run = mesh.awaitEnd(mesh.create(TestSpecs.spec("seen")).getRunId());

      assertThat(run.getState()).isEqualTo(RunState.RUN_STATE_PROMOTED);
      assertThat(log.messages())
          .singleElement()
          .satisfies(line -> assertThat(line).contains("iteration 1: no event for TensorBoard"));
    }
  }
}
