package io.ballast.orchestrator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.inference.store.ModelManifest;
import io.ballast.inference.store.SafetensorsFile;
import io.ballast.orchestrator.testing.TestSpecs;
import io.ballast.orchestrator.testing.TinyModel;
import io.ballast.orchestrator.v1.ListRunsRequest;
import io.ballast.orchestrator.v1.Run;
import io.ballast.orchestrator.v1.RunState;
import io.grpc.Status;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

/** A run trains adapters on its base, and nominates an average of them. */
class AdapterRunTest extends RunServiceCase {
  @Test
  void theCandidateIsAModelLikeAnyOtherInWhichOnlyAdaptedProjectionsMoved() {
    String spec =
        TestSpecs.spec(
            "adapted", "adapters: {rank: 2, projections: [Q_PROJ]}\naverage: {decay: 0.5}");
    Run run = mesh.awaitEnd(mesh.create(spec).getRunId());

    assertThat(run.getMessage()).isEmpty();
    assertThat(run.getState()).isEqualTo(RunState.RUN_STATE_PROMOTED);
    Path models = mesh.root.resolve("models").resolve(TinyModel.NAME);
    Path candidate = models.resolve(run.getCandidateVersion().getVersion());
    assertThat(ModelManifest.read(candidate).orElseThrow().notes())
        .containsEntry("average_decay", "0.5")
        .containsEntry("parent_version", TinyModel.VERSION);
    SafetensorsFile before = weights(models.resolve(TinyModel.VERSION));
    SafetensorsFile after = weights(candidate);
    assertThat(after.names()).isEqualTo(before.names());
    for (String name : before.names()) {
      List<Long> shape = before.shape(name);
      if (name.endsWith("q_proj.weight")) {
        assertThat(after.read(name, shape)).as(name).isNotEqualTo(before.read(name, shape));
      } else {
        assertThat(after.read(name, shape)).as(name).isEqualTo(before.read(name, shape));
      }
    }
  }

  private static SafetensorsFile weights(Path folder) {
    return SafetensorsFile.open(folder.resolve(ModelManifest.WEIGHTS));
  }

  @Test
  void aRankThatTheModelIsTooNarrowForIsRefusedBeforeTheRunIsStored() {
    assertThatThrownBy(() -> mesh.create(TestSpecs.spec("wide", "adapters: {rank: 17}")))
        .satisfies(
            thrown ->
                refused(
                    thrown,
                    Status.Code.INVALID_ARGUMENT,
                    "adapters.rank: 17 (expected: ≤ 16, the lesser width of model.layers.0."));
    assertThat(mesh.runs().listRuns(ListRunsRequest.getDefaultInstance()).getRunsList()).isEmpty();
  }
}
