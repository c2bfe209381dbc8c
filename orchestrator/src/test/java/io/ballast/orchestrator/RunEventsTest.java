package io.ballast.orchestrator;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.util.JsonFormat;
import io.ballast.kit.outbox.OutboxEvent;
import io.ballast.orchestrator.testing.TestMesh;
import io.ballast.orchestrator.testing.TestSpecs;
import io.ballast.orchestrator.v1.IterationMetrics;
import io.ballast.orchestrator.v1.Run;
import io.ballast.orchestrator.v1.RunState;
import io.ballast.orchestrator.v1.WatchRunResponse;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Others are told of a run what a watcher of it is told, in its order. */
class RunEventsTest {
  @TempDir private Path root = Path.of(".");

  @Test
  void everythingThatIsStoredOfARunIsTold() throws InvalidProtocolBufferException {
    try (TestMesh mesh = TestMesh.start(root)) {
      Run run = mesh.awaitEnd(mesh.create(TestSpecs.spec("told")).getRunId());
      List<IterationMetrics> iterations = mesh.get(run.getRunId()).getIterationsList();

      List<OutboxEvent> told = mesh.told();

      assertThat(told.stream().map(OutboxEvent::subject)).containsOnly(run.getRunId());
      assertThat(told.stream().map(OutboxEvent::id)).doesNotHaveDuplicates();
      assertThat(told.getFirst().type()).isEqualTo("io.ballast.run.created");
      List<WatchRunResponse> read = new ArrayList<>();
      for (OutboxEvent event : told) {
        WatchRunResponse.Builder each = WatchRunResponse.newBuilder();
        JsonFormat.parser().merge(event.json(), each);
        assertThat(each.hasIteration()).isEqualTo(event.type().equals("io.ballast.run.iterated"));
        read.add(each.build());
      }
      assertThat(read.getFirst().getRun().getState()).isEqualTo(RunState.RUN_STATE_QUEUED);
      assertThat(read.getLast().getRun())
          .isEqualTo(mesh.get(run.getRunId()).getRun().toBuilder().clearSpec().build());
      assertThat(read.stream().map(each -> each.getRun().getSpec()).filter(spec -> !spec.isEmpty()))
          .as("the spec is told once")
          .containsExactly(TestSpecs.spec("told"));
      assertThat(read.getFirst().getRun().getSpec()).isNotEmpty();
      assertThat(
              read.stream()
                  .filter(WatchRunResponse::hasIteration)
                  .map(WatchRunResponse::getIteration))
          .containsExactlyElementsOf(iterations);
      assertThat(iterations).hasSize(3);
      assertThat(mesh.told()).isEmpty();
    }
  }
}
