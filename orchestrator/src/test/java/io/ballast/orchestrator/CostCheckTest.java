package io.ballast.orchestrator;

import static io.ballast.testing.Refusals.assertRefused;
import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.orchestrator.testing.FakeFaults;
import io.ballast.orchestrator.testing.TestMesh;
import io.ballast.orchestrator.testing.TestSpecs;
import io.ballast.orchestrator.v1.ListRunsRequest;
import io.ballast.orchestrator.v1.RunState;
import io.grpc.Status;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A run that could never have a cost is not begun; one whose safety-server is busy is. */
class CostCheckTest {
  @TempDir private Path root = Path.of(".");
  private TestMesh mesh;

  @BeforeEach
  void start() {
    mesh = TestMesh.start(root);
  }

  @AfterEach
  void stop() {
    mesh.close();
  }

  @Test
  void aCostModelWithoutABoundaryIsRefusedByItsPath() {
    mesh.safety.check = model -> refuse(model, "java-cost/1", Status.FAILED_PRECONDITION);
    assertRefused(
        () -> mesh.create(TestSpecs.spec("refused")),
        Status.Code.FAILED_PRECONDITION,
        "cost: safety-server: java-cost/1 has no boundary");
    mesh.safety.check = model -> refuse(model, "java-cost/2", Status.FAILED_PRECONDITION);
    assertRefused(
        () -> mesh.create(TestSpecs.spec("refused")),
        Status.Code.FAILED_PRECONDITION,
        "safety_test.cost_model: safety-server: java-cost/2 has no boundary");
    assertThat(mesh.runs().listRuns(ListRunsRequest.getDefaultInstance()).getRunsList()).isEmpty();
  }

  @Test
  void aServerThatIsBusyIsWaitedForByTheRun() {
    mesh.safety.check =
        model -> {
          throw FakeFaults.busy(7);
        };

    String runId = mesh.create(TestSpecs.spec("begun")).getRunId();

    assertThat(mesh.awaitEnd(runId).getState()).isEqualTo(RunState.RUN_STATE_PROMOTED);
  }

  private static void refuse(String model, String refused, Status status) {
    if (model.equals(refused)) {
      throw FakeFaults.of(status, "PRECONDITION_FAILED", model + " has no boundary");
    }
  }
}
