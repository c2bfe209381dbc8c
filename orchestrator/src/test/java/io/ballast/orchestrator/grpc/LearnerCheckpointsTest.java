package io.ballast.orchestrator.grpc;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.inference.store.ModelManifest;
import io.ballast.learner.v1.Checkpoint;
import io.ballast.learner.v1.DeleteCheckpointRequest;
import io.ballast.learner.v1.ListCheckpointsRequest;
import io.ballast.learner.v1.ObjectiveKind;
import io.ballast.learner.v1.Operation;
import io.ballast.learner.v1.OperationState;
import io.ballast.learner.v1.SaveWeightsRequest;
import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.orchestrator.testing.LearnerCalls;
import io.ballast.orchestrator.testing.TinyModel;
import io.grpc.Status;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What a session keeps under a name: checkpoints to go back to, and versions that stay. */
class LearnerCheckpointsTest extends LearnerObjectiveCase {
  @Test
  void aCheckpointIsGoneBackToExactlyAlsoFromAnotherSession() {
    update();
    keep("first");
    List<List<Float>> atCheckpoint = scores(GROUPS);
    update();
    List<List<Float>> afterwards = scores(GROUPS);
    assertThat(afterwards).isNotEqualTo(atCheckpoint);

    session = learner.open("1");
    Operation loaded = learner.load(session, "first");
    assertThat(loaded.getLoadWeights().getUpdatesCount()).isEqualTo(1);
    assertThat(scores(GROUPS)).isEqualTo(atCheckpoint);
    update();
    assertThat(scores(GROUPS)).isEqualTo(afterwards);
  }

  @Test
  void aVersionIsPublishedOnceAndNeverChanges() {
    update();
    Operation published = publish("2");
    Operation again = publish("2");
    assertThat(again.getSaveWeights().getVersion())
        .isEqualTo(published.getSaveWeights().getVersion());

    Path folder = root.resolve("models").resolve(TinyModel.NAME).resolve("2");
    assertThat(ModelManifest.read(folder).orElseThrow().notes())
        .containsEntry("arithmetic", "FLOAT32");

    update();
    Operation other = publish("2");
    assertThat(other.getState()).isEqualTo(OperationState.OPERATION_STATE_FAILED);
    assertThat(other.getErrorReason()).isEqualTo("ALREADY_EXISTS");
  }

  @Test
  void checkpointsAreListedAndDeletedByTheirTenantAlone() throws IOException {
    keep("first");
    keep("second");
    Path folder = root.resolve("learner").resolve("default");
    Files.setLastModifiedTime(folder.resolve("first.safetensors"), FileTime.fromMillis(60_000));
    Files.setLastModifiedTime(folder.resolve("second.safetensors"), FileTime.fromMillis(90_000));
    Files.writeString(folder.resolve("third.new-1"), "one that is being written");
    Files.writeString(folder.resolve("run-7-1.safetensors"), "of a run");
    Files.setLastModifiedTime(folder.resolve("run-7-1.safetensors"), FileTime.fromMillis(1));
    RequestMetadata bob = RequestMetadata.newBuilder().setTenant("bob").build();

    assertThat(checkpoints(0))
        .extracting(Checkpoint::getName)
        .containsExactly("second", "first", "run-7-1");
    assertThat(checkpoints(1)).extracting(Checkpoint::getName).containsExactly("second");
    assertThat(checkpoints(2).getLast().getSizeBytes())
        .isEqualTo(Files.size(folder.resolve("first.safetensors")));
    assertThat(checkpoints(2).getLast().getSaveTime().getSeconds()).isEqualTo(60);
    assertThat(
            learner
                .stub
                .listCheckpoints(ListCheckpointsRequest.newBuilder().setMetadata(bob).build())
                .getCheckpointsList())
        .isEmpty();
    LearnerCalls.refused(
        () -> checkpoints(1_001), Status.Code.INVALID_ARGUMENT, "page_size: 1,001");

    DeleteCheckpointRequest first =
        DeleteCheckpointRequest.newBuilder().setCheckpoint("first").build();
    LearnerCalls.refused(
        () -> learner.stub.deleteCheckpoint(first.toBuilder().setMetadata(bob).build()),
        Status.Code.NOT_FOUND,
        "there is no checkpoint 'first'");
    learner.stub.deleteCheckpoint(first);
    assertThat(checkpoints(0)).extracting(Checkpoint::getName).containsExactly("second", "run-7-1");
    LearnerCalls.refused(
        () -> learner.stub.deleteCheckpoint(first), Status.Code.NOT_FOUND, "'first'");
    LearnerCalls.refused(
        () -> learner.stub.deleteCheckpoint(first.toBuilder().setCheckpoint("run-7-1").build()),
        Status.Code.INVALID_ARGUMENT,
        "as those of runs do");
    assertThat(folder.resolve("run-7-1.safetensors")).exists();
  }

  @Test
  void weightsThatAreNotFiniteAreNeitherKeptNorPublished() {
    session = learner.openWild();
    update();
    keep("good");
    List<List<Float>> good = scores(GROUPS);
    learner.overflow(session);

    assertNotFinite(
        learner.save(session, SaveWeightsRequest.newBuilder().setCheckpoint("good")),
        "tensor weights\\[\\d+]: -?Infinity \\(expected: finite\\)");
    assertNotFinite(publish("2"), "tensor [a-z0-9_.]+\\[\\d+]: -?Infinity \\(expected: finite\\)");
    assertThat(root.resolve("models").resolve(TinyModel.NAME).resolve("2")).doesNotExist();
    assertThat(checkpoints(0)).extracting(Checkpoint::getName).containsExactly("good");

    Operation loaded = learner.load(session, "good");
    assertThat(loaded.getLoadWeights().getUpdatesCount()).isEqualTo(1);
    assertThat(scores(GROUPS)).isEqualTo(good);
  }

  private static void assertNotFinite(Operation operation, String message) {
    assertThat(operation.getState()).isEqualTo(OperationState.OPERATION_STATE_FAILED);
    assertThat(operation.getErrorReason()).isEqualTo("PRECONDITION_FAILED");
    assertThat(operation.getErrorMessage()).matches(message);
  }

  private void update() {
    train(ObjectiveKind.OBJECTIVE_KIND_PPO_CLIP, GROUPS);
    assertThat(step().getState()).isEqualTo(OperationState.OPERATION_STATE_SUCCEEDED);
  }

  private void keep(String checkpoint) {
    Operation kept =
        learner.save(session, SaveWeightsRequest.newBuilder().setCheckpoint(checkpoint));
    assertThat(kept.getState()).isEqualTo(OperationState.OPERATION_STATE_SUCCEEDED);
  }

  private Operation publish(String version) {
    return learner.save(session, SaveWeightsRequest.newBuilder().setPublishVersion(version));
  }

  private List<Checkpoint> checkpoints(int pageSize) {
    return learner
        .stub
        .listCheckpoints(ListCheckpointsRequest.newBuilder().setPageSize(pageSize).build())
        .getCheckpointsList();
  }
}
