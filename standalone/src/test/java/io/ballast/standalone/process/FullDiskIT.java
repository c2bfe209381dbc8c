package io.ballast.standalone.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import io.ballast.mesh.v1.ModelSelector;
import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.mesh.v1.TextOrTokens;
import io.ballast.reward.v1.RewardServiceGrpc;
import io.ballast.reward.v1.RewardTraining;
import io.ballast.reward.v1.ScoreItem;
import io.ballast.reward.v1.ScoreRequest;
import io.ballast.reward.v1.ScoreResponse;
import io.ballast.reward.v1.StartTrainingRequest;
import io.ballast.reward.v1.TrainingOptions;
import io.ballast.reward.v1.TrainingPhase;
import io.ballast.reward.v1.TrainingPlan;
import io.ballast.reward.v1.TrainingState;
import io.ballast.reward.v1.UploadChoice;
import io.ballast.reward.v1.WatchTrainingResponse;
import io.grpc.Channel;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A disk takes no more of an upload, or in the middle of publishing. The system itself says so to
 * the server: from one moment on its files may be no larger than the weights need to be, which is a
 * write that fails half-way, as on a full disk.
 */
class FullDiskIT {
  private static final int MEMBERS = 32;

  /** More than the logs of a server, less than a tenth of the members' weights, in bytes. */
  private static final long NO_ROOM = 131_072;

  @TempDir private Path data = Path.of(".");

  @Test
  void aVersionThatDoesNotFitIsNoneAndIsPublishedWhenThereIsRoom() throws Exception {
    try (BuiltMesh mesh = BuiltMesh.start(data, Map.of("ballast.roles", "reward"))) {
      FileLimit.set(mesh.pid(), NO_ROOM);
      assertThatThrownBy(() -> TestCalls.train(mesh.channel(), upload("too much", pairs(10_000))))
          .hasMessageContaining("RESOURCE_EXHAUSTED: file: cannot be kept: File too large");
      FileLimit.set(mesh.pid(), FileLimit.NONE);
      assertThat(data.resolve("reward-trainings/uploads")).doesNotExist();

      RewardTraining begun = train(mesh.channel(), "no room");
      Iterator<WatchTrainingResponse> told = TestCalls.watch(mesh.channel(), begun);
      RewardTraining last = begun;
      while (last.getProgress().getPhase() != TrainingPhase.TRAINING_PHASE_TRAINING_MEMBERS) {
        last = told.next().getTraining();
      }
      FileLimit.set(mesh.pid(), NO_ROOM);
      last = last(told, last);
      FileLimit.set(mesh.pid(), FileLimit.NONE);

      assertThat(last.getState()).as("%s", last).isEqualTo(TrainingState.TRAINING_STATE_FAILED);
      assertThat(last.getFailure().getReason()).isEqualTo("STORAGE_FAILED");
      assertThat(last.getFailure().getMessage())
          .isEqualTo("the version cannot be written: File too large");
      assertThat(data.resolve("models/.staging")).isEmptyDirectory();
      assertThat(data.resolve("models/tight")).doesNotExist();
      assertThatThrownBy(() -> score(mesh.channel())).hasMessageStartingWith("NOT_FOUND: ");

      RewardTraining again = TestCalls.train(mesh.channel(), upload("room", pairs(200), 1));
      last = last(TestCalls.watch(mesh.channel(), again), again);
      assertThat(last.getState()).as("%s", last).isEqualTo(TrainingState.TRAINING_STATE_SUCCEEDED);
      assertThat(score(mesh.channel()).getResults(0).getMembersCount()).isEqualTo(MEMBERS);
    }
  }

  private static RewardTraining last(
      Iterator<WatchTrainingResponse> told, RewardTraining training) {
    RewardTraining last = training;
    while (told.hasNext()) {
      last = told.next().getTraining();
    }
    return last;
  }

  private static RewardTraining train(Channel channel, String key) {
    return TestCalls.train(channel, upload(key, pairs(200)));
  }

  /** Of as many epochs as it takes to be in the midst of them. */
  private static List<StartTrainingRequest> upload(String key, String rows) {
    return upload(key, rows, 20);
  }

  private static List<StartTrainingRequest> upload(String key, String rows, int epochs) {
    StartTrainingRequest plan =
        StartTrainingRequest.newBuilder()
            .setMetadata(RequestMetadata.newBuilder().setIdempotencyKey(key))
            .setPlan(
                TrainingPlan.newBuilder()
                    .setName("tight")
                    .setOptions(
                        TrainingOptions.newBuilder().setMembersCount(MEMBERS).setMaxEpochs(epochs))
                    .setUpload(UploadChoice.getDefaultInstance()))
            .build();
    StartTrainingRequest file =
        StartTrainingRequest.newBuilder().setFileBytes(ByteString.copyFromUtf8(rows)).build();
    return List.of(plan, file);
  }

  private static String pairs(int count) {
    return IntStream.range(0, count)
        .mapToObj(
            i ->
                "{\"prompt\": \"int a%d = \", \"chosen\": \"%d;\", \"rejected\": \"%d,\"}\n"
                    .formatted(i, i, i))
        .collect(Collectors.joining());
  }

  private static ScoreResponse score(Channel channel) {
    return RewardServiceGrpc.newBlockingStub(channel)
        .withDeadlineAfter(60, TimeUnit.SECONDS)
        .score(
            ScoreRequest.newBuilder()
                .setRewardModel(ModelSelector.newBuilder().setModel("tight").setVersion("1"))
                .addItems(
                    ScoreItem.newBuilder()
                        .setPrompt(TextOrTokens.newBuilder().setText("int a = "))
                        .setCompletion(TextOrTokens.newBuilder().setText("1;")))
                .build());
  }
}
