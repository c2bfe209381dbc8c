package io.ballast.reward.testing;

import com.google.protobuf.Timestamp;
import io.ballast.mesh.v1.ModelVersion;
import io.ballast.policy.v1.Accepted;
import io.ballast.policy.v1.Completion;
import io.ballast.policy.v1.Decision;
import io.ballast.policy.v1.FeedbackEvent;
import io.ballast.policy.v1.FeedbackServiceGrpc;
import io.ballast.policy.v1.Reaction;
import io.ballast.policy.v1.ReactionKind;
import io.ballast.policy.v1.Rejected;
import io.ballast.policy.v1.StreamTrainingRecordsRequest;
import io.ballast.policy.v1.StreamTrainingRecordsResponse;
import io.ballast.policy.v1.SuggestResponse;
import io.ballast.policy.v1.SuggestionRecord;
import io.ballast.policy.v1.TrainingRecord;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.function.UnaryOperator;

/** A policy-server's feedback that the test sets, and that can be made to have no end. */
public final class FakeFeedback extends FeedbackServiceGrpc.FeedbackServiceImplBase {
  private final List<TrainingRecord> records = new ArrayList<>();
  private final CountDownLatch left = new CountDownLatch(1);

  /** Whether a stream stays open after its last record. */
  public volatile boolean endless;

  /** Runs when all has been sent, before the stream ends. */
  public volatile Runnable beforeEnd = () -> {};

  /** The last request. */
  public volatile StreamTrainingRecordsRequest asked =
      StreamTrainingRecordsRequest.getDefaultInstance();

  /** Keeps suggestions of one user at as many prompts: "1;" is accepted and "1," rejected. */
  public void liked(int prompts) {
    for (int i = 0; i < prompts; i++) {
      records.add(record("a", i, "1;", event -> event.setAccepted(Accepted.getDefaultInstance())));
      records.add(record("r", i, "1,", event -> event.setRejected(Rejected.getDefaultInstance())));
    }
  }

  /** Keeps a suggestion of that user for each reaction, at prompts of their own. */
  public void reacted(ReactionKind... kinds) {
    for (int i = 0; i < kinds.length; i++) {
      Reaction reaction = Reaction.newBuilder().setKind(kinds[i]).build();
      records.add(record("s", i, "1;", event -> event.setReaction(reaction)));
    }
  }

  /** Waits until a caller has left a stream before its end. */
  public void awaitLeft() throws InterruptedException {
    left.await();
  }

  private static TrainingRecord record(
      String kind, int i, String completion, UnaryOperator<FeedbackEvent.Builder> said) {
    String id = kind + i;
    FeedbackEvent.Builder event =
        FeedbackEvent.newBuilder()
            .setSuggestionId(id)
            .setEventTime(Timestamp.newBuilder().setSeconds(1_800_000_000L + i));
    return TrainingRecord.newBuilder()
        .setEventId("e" + id)
        .setEvent(said.apply(event))
        .setSuggestion(
            SuggestionRecord.newBuilder()
                .setUser("ann")
                .setPrompt("int a" + i + " = ")
                .setCompletion(Completion.newBuilder().setText(completion))
                .setResponse(
                    SuggestResponse.newBuilder()
                        .setSuggestionId(id)
                        .setDecision(Decision.DECISION_SHOW)
                        .setPolicyVersion(
                            ModelVersion.newBuilder().setModel("java-tiny").setVersion("1"))))
        .build();
  }

  @Override
  public void streamTrainingRecords(
      StreamTrainingRecordsRequest request,
      StreamObserver<StreamTrainingRecordsResponse> observer) {
    asked = request;
    ((ServerCallStreamObserver<StreamTrainingRecordsResponse>) observer)
        .setOnCancelHandler(left::countDown);
    records.forEach(
        record ->
            observer.onNext(StreamTrainingRecordsResponse.newBuilder().setRecord(record).build()));
    beforeEnd.run();
    if (!endless) {
      observer.onCompleted();
    }
  }
}
