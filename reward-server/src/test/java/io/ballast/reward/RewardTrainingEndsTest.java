package io.ballast.reward;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.inference.store.ModelStore;
import io.ballast.mesh.v1.ModelSelector;
import io.ballast.reward.v1.CancelTrainingRequest;
import io.ballast.reward.v1.FeedbackChoice;
import io.ballast.reward.v1.ListTrainingsRequest;
import io.ballast.reward.v1.RewardTraining;
import io.ballast.reward.v1.TrainingState;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** How trainings end that publish nothing. */
class RewardTrainingEndsTest extends TrainingServerCase {
  @Test
  void oneRunsAtATimeAndOneThatIsCancelledLeavesNoVersion() {
    RewardTraining first = startEndless("first");

    assertThatThrownBy(() -> start("other", upload("second"), pairs(120)))
        .hasMessage(
            "RESOURCE_EXHAUSTED: training %s of first/1 runs; one runs at a time: wait for it or"
                    .formatted(first.getTrainingId())
                + " cancel it");

    RewardTraining cancelled =
        stub()
            .cancelTraining(
                CancelTrainingRequest.newBuilder().setTrainingId(first.getTrainingId()).build())
            .getTraining();
    assertThat(cancelled.getState()).isEqualTo(TrainingState.TRAINING_STATE_CANCELLED);
    assertThat(cancelled.getFailure().getReason()).isEqualTo("CANCELLED");
    assertThat(cancelled.hasEndTime()).isTrue();
    assertThat(data.resolve("models/first")).doesNotExist();
    assertThat(
            stub()
                .cancelTraining(
                    CancelTrainingRequest.newBuilder().setTrainingId(first.getTrainingId()).build())
                .getTraining())
        .as("again: nothing happens")
        .isEqualTo(cancelled);

    assertThat(ended(start("other", upload("second"), pairs(120)).getTraining()).getState())
        .isEqualTo(TrainingState.TRAINING_STATE_SUCCEEDED);
    assertThat(stub().listTrainings(ListTrainingsRequest.getDefaultInstance()).getTrainingsList())
        .extracting(RewardTraining::getModel)
        .containsExactly("second", "first");
  }

  @Test
  void aCancelEndsATrainingThatReadsTexts() {
    RewardTraining begun = start("k", upload("long"), pairs(20_000)).getTraining();
    RewardTraining cancelled =
        stub()
            .cancelTraining(
                CancelTrainingRequest.newBuilder().setTrainingId(begun.getTrainingId()).build())
            .getTraining();
    assertThat(cancelled.getState()).isEqualTo(TrainingState.TRAINING_STATE_CANCELLED);
    assertThat(data.resolve("models/long")).doesNotExist();
  }

  @Test
  void whatCannotBeTrainedOrReadOrWrittenFailsAndLeavesNoVersion() throws Exception {
    RewardTraining little = ended(start("little", upload("taste"), pairs(1)).getTraining());
    assertThat(little.getState()).isEqualTo(TrainingState.TRAINING_STATE_FAILED);
    assertThat(little.getFailure().getReason()).isEqualTo("UNUSABLE_DATA");
    assertThat(little.getFailure().getMessage()).contains("part: no pairs (expected: judgements");

    Path models = data.resolve("models");
    feedback.liked(100);
    feedback.beforeEnd = // the folder is gone while it trains
        () -> {
          try {
            ModelStore.deleteAll(models);
            Files.writeString(models, "a file where a folder should be");
          } catch (IOException e) {
            throw new UncheckedIOException(e);
          }
        };
    RewardTraining full =
        ended(
            start(
                    "full",
                    plan("taste").setFeedback(FeedbackChoice.getDefaultInstance()).build(),
                    "")
                .getTraining());
    assertThat(full.getState()).isEqualTo(TrainingState.TRAINING_STATE_FAILED);
    assertThat(full.getFailure().getReason()).isEqualTo("STORAGE_FAILED");
    assertThat(full.getFailure().getMessage())
        .startsWith("the version cannot be written: ")
        .doesNotContain(data.toString());
    Files.delete(models);

    policy.shutdownNow().awaitTermination(10, TimeUnit.SECONDS);
    RewardTraining away =
        ended(
            start(
                    "away",
                    plan("taste").setFeedback(FeedbackChoice.getDefaultInstance()).build(),
                    "")
                .getTraining());
    assertThat(away.getState()).isEqualTo(TrainingState.TRAINING_STATE_FAILED);
    assertThat(away.getFailure().getReason()).isEqualTo("DEPENDENCY_DOWN");
    assertThat(ended("failed")).isEqualTo(3);
    assertThatThrownBy(() -> score(ModelSelector.newBuilder().setModel("taste").setVersion("1")))
        .hasMessageStartingWith("NOT_FOUND");
  }

  private RewardTraining startEndless(String name) {
    feedback.endless = true;
    return start(
            "endless-" + name,
            plan(name).setFeedback(FeedbackChoice.getDefaultInstance()).build(),
            "")
        .getTraining();
  }
}
