package io.ballast.orchestrator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.ballast.kit.grpc.MeshServer;
import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.orchestrator.testing.TestMesh;
import io.ballast.orchestrator.testing.TestSpecs;
import io.ballast.orchestrator.v1.CancelRunRequest;
import io.ballast.orchestrator.v1.CreateRunRequest;
import io.ballast.orchestrator.v1.GetRunRequest;
import io.ballast.orchestrator.v1.ListRunsRequest;
import io.ballast.orchestrator.v1.PauseRunRequest;
import io.ballast.orchestrator.v1.PromoteCandidateRequest;
import io.ballast.orchestrator.v1.ResumeRunRequest;
import io.ballast.orchestrator.v1.Run;
import io.ballast.orchestrator.v1.RunServiceGrpc;
import io.ballast.orchestrator.v1.RunServiceGrpc.RunServiceBlockingStub;
import io.ballast.orchestrator.v1.WatchRunRequest;
import io.ballast.testing.TestCallers;
import java.nio.file.Path;
import java.util.Map;
import java.util.UUID;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A run of another tenant is answered as one that nobody created, whatever is asked of it. */
class TenantsOfRunsTest {
  private static final RequestMetadata KEY =
      RequestMetadata.newBuilder().setIdempotencyKey("key").build();

  @TempDir private Path root;
  @TempDir private Path keys;
  private TestMesh mesh;
  private TestCallers callers;
  private MeshServer door;

  @BeforeEach
  void serve() {
    mesh = TestMesh.start(root);
    callers = new TestCallers(keys);
    door = callers.serve(mesh.services(), mesh.meters);
  }

  @AfterEach
  void stop() {
    door.close();
    callers.close();
    mesh.close();
  }

  private RunServiceBlockingStub of(String tenant) {
    return RunServiceGrpc.newBlockingStub(door.inside())
        .withInterceptors(callers.as("t", tenant, "trainer", "operator"));
  }

  private static CreateRunRequest spec(String name) {
    return CreateRunRequest.newBuilder().setMetadata(KEY).setSpec(TestSpecs.spec(name)).build();
  }

  private static String message(Consumer<String> call, String id) {
    return String.valueOf(catchThrowable(() -> call.accept(id)).getMessage());
  }

  @Test
  void whateverIsAskedOfARunOfAnotherTenantItIsNotThere() {
    Run run = of("a").createRun(spec("secret")).getRun();
    String nobodys = new UUID(0x7000, 0x8L << 60).toString();
    RunServiceBlockingStub b = of("b");
    Map<String, Consumer<String>> byId =
        Map.of(
            "GetRun",
            id -> b.getRun(GetRunRequest.newBuilder().setRunId(id).build()),
            "WatchRun",
            id -> b.watchRun(WatchRunRequest.newBuilder().setRunId(id).build()).next(),
            "PauseRun",
            id -> b.pauseRun(PauseRunRequest.newBuilder().setRunId(id).build()),
            "ResumeRun",
            id -> b.resumeRun(ResumeRunRequest.newBuilder().setRunId(id).build()),
            "CancelRun",
            id -> b.cancelRun(CancelRunRequest.newBuilder().setRunId(id).build()));

    assertThat(RunServiceGrpc.getServiceDescriptor().getMethods())
        .as("a new RPC belongs in the table, unless it names no run or is for operators of all")
        .extracting(method -> String.valueOf(method.getBareMethodName()))
        .filteredOn(name -> !name.matches("CreateRun|ListRuns|PromoteCandidate"))
        .containsExactlyInAnyOrderElementsOf(byId.keySet());
    byId.forEach(
        (rpc, call) ->
            assertThat(message(call, run.getRunId()).replace(run.getRunId(), nobodys))
                .as(rpc)
                .startsWith("NOT_FOUND: ")
                .isEqualTo(message(call, nobodys)));
    assertThat(b.listRuns(ListRunsRequest.getDefaultInstance()).getRunsList()).isEmpty();
    assertThatThrownBy(
            () ->
                b.promoteCandidate(
                    PromoteCandidateRequest.newBuilder().setRunId(run.getRunId()).build()))
        .as("what all tenants are served is no tenant's to move")
        .hasMessageStartingWith("PERMISSION_DENIED: ");
    assertThat(
            of("a")
                .getRun(GetRunRequest.newBuilder().setRunId(run.getRunId()).build())
                .getRun()
                .getName())
        .isEqualTo("secret");
  }

  @Test
  void theSameKeyOfAnotherTenantCreatesAnotherRun() {
    Run ofA = of("a").createRun(spec("mine")).getRun();
    Run ofB = of("b").createRun(spec("mine")).getRun();

    assertThat(ofB.getRunId()).isNotEqualTo(ofA.getRunId());
    assertThat(of("b").listRuns(ListRunsRequest.getDefaultInstance()).getRunsList())
        .extracting(Run::getRunId)
        .containsExactly(ofB.getRunId());
  }
}
