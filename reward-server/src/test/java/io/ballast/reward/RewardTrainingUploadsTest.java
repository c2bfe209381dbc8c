package io.ballast.reward;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import com.google.rpc.RetryInfo;
import io.ballast.reward.v1.ListTrainingsRequest;
import io.ballast.reward.v1.StartTrainingRequest;
import io.ballast.reward.v1.TrainingState;
import io.ballast.testing.Await;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import io.grpc.stub.StreamObserver;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;

/** Files of judgements come one at a time, and none keeps the place longer than it may. */
class RewardTrainingUploadsTest extends TrainingServerCase {
  private static final String BAD_ROW = "no JSON\n";

  @Test
  void oneFileComesAtATime() {
    Answer answer = new Answer();
    StreamObserver<StartTrainingRequest> requests = begin("k1", answer);

    assertThatThrownBy(() -> start("k2", upload("second"), pairs(120)))
        .hasMessage(
            "RESOURCE_EXHAUSTED: another file of judgements is coming; one at a time: try again")
        .satisfies(
            thrown ->
                assertThat(
                        Objects.requireNonNull(StatusProto.fromThrowable(thrown)).getDetailsList())
                    .anyMatch(detail -> detail.is(RetryInfo.class)));

    requests.onNext(bytes(pairs(120)));
    requests.onCompleted();
    assertThat(ended(answer.join().getTraining()).getState())
        .isEqualTo(TrainingState.TRAINING_STATE_SUCCEEDED);
    assertNextIsRead();
  }

  @Test
  void whoBeginsAFileAndSendsNothingMoreIsGivenUp() {
    server.close();
    server = startServer(Map.of("ballast.reward.training.upload-patience", "PT1S"));
    Answer answer = new Answer();
    async().startTraining(answer).onNext(first("k1", upload("first")));

    assertThatThrownBy(answer::join).hasMessage("UNAVAILABLE: nothing more came for 1,000 ms");
    assertNextIsRead();
  }

  @Test
  void whoFallsSilentIsGivenUpWhenTheWholeFileIsTooLate() {
    server.close();
    server = startServer(Map.of("ballast.reward.training.upload-timeout", "PT0.2S"));
    Answer answer = new Answer();
    async().startTraining(answer).onNext(first("k1", upload("first")));

    assertThatThrownBy(answer::join)
        .hasMessage("UNAVAILABLE: pairs.jsonl: not whole after 200 ms, the limit");
  }

  @Test
  void aPieceThatIsNoneEndsTheUpload() {
    assertEnds("file_bytes: 0 bytes (expected: 1 to 4,194,304)", bytes(""));
    assertEnds(
        "file_bytes: 4,194,305 bytes (expected: 1 to 4,194,304)",
        StartTrainingRequest.newBuilder()
            .setFileBytes(ByteString.copyFrom(new byte[(4 << 20) + 1]))
            .build());
    assertEnds(
        "file_bytes: missing (expected: in all messages but the first)",
        first("k", upload("again")));
    assertEnds(
        "file_bytes: missing (expected: in all messages but the first)",
        StartTrainingRequest.getDefaultInstance());
  }

  private void assertEnds(String message, StartTrainingRequest piece) {
    Answer answer = new Answer();
    begin("k", answer).onNext(piece);
    assertThatThrownBy(answer::join).hasMessage("INVALID_ARGUMENT: " + message);
    assertNextIsRead();
  }

  @Test
  void aFileThatStartsNoTrainingKeepsNoPlace() {
    assertThatThrownBy(() -> start("k", upload("java-reward/1"), pairs(1)))
        .hasMessageStartingWith("ALREADY_EXISTS");
    assertNextIsRead();

    String rows = pairs(120);
    assertThat(start("k", upload("taste"), rows).getDuplicate()).isFalse();
    assertThat(start("k", upload("taste"), rows).getDuplicate()).isTrue();
    assertThatThrownBy(() -> start("k", upload("taste"), pairs(121)))
        .hasMessageContaining("'k' was used for another training");
    assertThat(uploads()).doesNotExist();
    assertThat(stub().listTrainings(ListTrainingsRequest.getDefaultInstance()).getTrainingsList())
        .hasSize(1);
  }

  @Test
  void anUploaderWhoLeavesStartsNothing() {
    StreamObserver<StartTrainingRequest> requests = begin("k", new Answer());
    requests.onNext(bytes(pairs(50)));
    requests.onError(Status.CANCELLED.asRuntimeException());

    Await.until(this::placeIsFree);
    assertNextIsRead();
    assertThat(stub().listTrainings(ListTrainingsRequest.getDefaultInstance()).getTrainingsList())
        .isEmpty();
  }

  /** Begins a file; returns when the server waits for its bytes. */
  private StreamObserver<StartTrainingRequest> begin(String key, Answer answer) {
    StreamObserver<StartTrainingRequest> requests = async().startTraining(answer);
    requests.onNext(first(key, upload("first")));
    Await.until(() -> Files.exists(uploads()));
    return requests;
  }

  /** Whether another file may come; until then, its uploader is told to try again. */
  private boolean placeIsFree() {
    try {
      start("next", upload("next"), BAD_ROW);
      return true;
    } catch (StatusRuntimeException e) {
      return e.getStatus().getCode() != Status.Code.RESOURCE_EXHAUSTED;
    }
  }

  /** Another file comes, is read to its end, and refused for what it has. */
  private void assertNextIsRead() {
    assertThatThrownBy(() -> start("next", upload("next"), BAD_ROW))
        .hasMessageStartingWith("INVALID_ARGUMENT: pairs.jsonl: 1 bad row: row 1: ");
    assertThat(uploads()).doesNotExist();
  }

  private Path uploads() {
    return data.resolve("reward-trainings/uploads");
  }
}
