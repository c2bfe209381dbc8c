package io.ballast.reward;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.ErrorInfo;
import io.ballast.reward.v1.FeedbackChoice;
import io.ballast.reward.v1.ListTrainingsRequest;
import io.ballast.reward.v1.RewardTraining;
import io.ballast.reward.v1.StartTrainingResponse;
import io.ballast.reward.v1.TrainingPlan;
import io.ballast.reward.v1.TrainingState;
import io.ballast.reward.v1.UploadChoice;
import io.grpc.protobuf.StatusProto;
import java.nio.file.Files;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;

/** What the server does not begin to train, and what it says to whoever asked. */
class RewardTrainingRequestsTest extends TrainingServerCase {
  @Test
  void theSameKeyStartsOneTraining() {
    StartTrainingResponse first = start("k", upload("taste"), pairs(120));
    StartTrainingResponse again = start("k", upload("taste"), pairs(120));
    assertThat(again.getDuplicate()).isTrue();
    assertThat(again.getTraining().getTrainingId()).isEqualTo(first.getTraining().getTrainingId());
    assertThatThrownBy(() -> start("k", upload("taste"), pairs(121)))
        .hasMessage(
            "INVALID_ARGUMENT: metadata.idempotency_key: 'k' was used for another training");
    assertThatThrownBy(() -> start("", upload("taste"), pairs(120)))
        .hasMessageStartingWith("INVALID_ARGUMENT: metadata.idempotency_key: empty");
    assertThat(ended(first.getTraining()).getState())
        .isEqualTo(TrainingState.TRAINING_STATE_SUCCEEDED);
    assertThat(start("k", upload("taste"), pairs(120)).getTraining().getState())
        .as("long after it has ended")
        .isEqualTo(TrainingState.TRAINING_STATE_SUCCEEDED);
  }

  @Test
  void badRowsAreNamedWithTheirNumbersOrLeftOutAndCounted() throws Exception {
    String rows = pairs(120) + "{\"prompt\": \"p\", \"chosen\": \"a\"}\nno JSON\n";

    assertThatThrownBy(() -> start("k", upload("taste"), rows))
        .hasMessageStartingWith(
            "INVALID_ARGUMENT: pairs.jsonl: 2 bad rows: row 121: rejected: missing (expected: a"
                + " text or messages); row 122: column ")
        .satisfies(
            thrown ->
                assertThat(info(thrown).getMetadataMap())
                    .containsEntry("bad_rows_count", "2")
                    .containsEntry(
                        "rows[121]", "rejected: missing (expected: a text or messages)"));
    assertThat(stub().listTrainings(ListTrainingsRequest.getDefaultInstance()).getTrainingsList())
        .isEmpty();

    RewardTraining ended =
        ended(
            start("k", upload("taste").toBuilder().setSkipBadRows(true).build(), rows)
                .getTraining());
    assertThat(ended.getState()).isEqualTo(TrainingState.TRAINING_STATE_SUCCEEDED);
    assertThat(ended.getBadRowCount()).isEqualTo(2);
    assertThat(ended.getBadRows(0).getRow()).isEqualTo(121);
  }

  @Test
  void whatCannotBeIsRefusedBeforeAnythingIsBegun() {
    assertRefused("ALREADY_EXISTS: java-reward/1 is there already", upload("java-reward/1"));
    assertRefused("INVALID_ARGUMENT: plan.name: name: \"..\"", upload("../x"));
    assertRefused(
        "NOT_FOUND: plan.trunk: 'nobody': there is no such decoder",
        upload("taste").toBuilder().setTrunk("nobody").build());
    assertRefused(
        "NOT_FOUND: plan.trunk: 'java-reward': no decoder",
        upload("taste").toBuilder().setTrunk("java-reward").build());
    assertRefused(
        "INVALID_ARGUMENT: plan.options: members: 65 (expected: 1 to 64)",
        upload("taste").toBuilder().setOptions(options().setMembersCount(65)).build());
    assertRefused(
        "INVALID_ARGUMENT: plan.options.max_epochs: 0",
        upload("taste").toBuilder().setOptions(options().setMaxEpochs(0)).build());
    assertRefused("INVALID_ARGUMENT: plan.source: missing", plan("taste").build());
    assertRefused(
        "INVALID_ARGUMENT: plan.upload.file_name",
        plan("taste").setUpload(UploadChoice.newBuilder().setFileName("a/b")).build());
    assertRefused(
        "INVALID_ARGUMENT: plan.feedback.max_suggestions: 50,001, limit 50,000",
        plan("taste").setFeedback(FeedbackChoice.newBuilder().setMaxSuggestions(50_001)).build());
    assertThatThrownBy(() -> startMessages(List.of()))
        .hasMessageStartingWith("INVALID_ARGUMENT: plan: missing");
    assertThat(data.resolve("reward-trainings"))
        .satisfiesAnyOf(
            folder -> assertThat(folder).doesNotExist(),
            folder ->
                assertThat(Files.list(folder).filter(f -> f.toString().endsWith(".training")))
                    .isEmpty());
  }

  @Test
  void moreThanTheServerTakesIsRefused() {
    server.close();
    server =
        startServer(
            Map.of(
                "ballast.reward.training.max-judgements", "100",
                "ballast.reward.training.max-upload-bytes", "10000"));
    assertRefused(
        "INVALID_ARGUMENT: pairs.jsonl: more than 10,000 bytes", upload("taste"), pairs(300));
    assertRefused(
        "INVALID_ARGUMENT: pairs.jsonl: row 101: more than 100 judgements",
        upload("taste"),
        pairs(101));
  }

  @Test
  void aServerThatCannotPublishSaysSoBeforeAnythingIsUploaded() throws Exception {
    Files.writeString(data.resolve("models"), "a file where a folder should be");
    Answer answer = new Answer();
    async().startTraining(answer).onNext(first("k", upload("taste")));

    assertThatThrownBy(answer::join)
        .hasMessageStartingWith(
            "FAILED_PRECONDITION: this server's folder of models cannot be written (")
        .satisfies(thrown -> assertThat(info(thrown).getReason()).isEqualTo("PRECONDITION_FAILED"));
    assertThat(data.resolve("reward-trainings/uploads")).doesNotExist();
    assertThat(started()).isZero();
  }

  private void assertRefused(String message, TrainingPlan plan) {
    assertRefused(message, plan, plan.hasFeedback() ? "" : pairs(120));
  }

  private void assertRefused(String message, TrainingPlan plan, String rows) {
    assertThatThrownBy(() -> start("k", plan, rows)).hasMessageStartingWith(message);
  }

  private static ErrorInfo info(Throwable thrown) {
    try {
      for (Any detail :
          Objects.requireNonNull(StatusProto.fromThrowable(thrown)).getDetailsList()) {
        if (detail.is(ErrorInfo.class)) {
          return detail.unpack(ErrorInfo.class);
        }
      }
    } catch (InvalidProtocolBufferException e) {
      throw new AssertionError(e);
    }
    throw new AssertionError("no ErrorInfo");
  }
}
