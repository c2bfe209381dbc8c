package io.ballast.standalone.cli;

import io.ballast.policy.v1.DeleteUserDataRequest;
import io.ballast.policy.v1.DeleteUserDataResponse;
import io.ballast.policy.v1.FeedbackServiceGrpc;
import io.ballast.policy.v1.RecordFeedbackRequest;
import io.ballast.policy.v1.RecordFeedbackResponse;
import io.ballast.policy.v1.ReplayDecisionRequest;
import io.ballast.policy.v1.ReplayDecisionResponse;
import io.ballast.policy.v1.StreamDecisionsRequest;
import io.ballast.policy.v1.StreamDecisionsResponse;
import io.ballast.policy.v1.StreamTrainingRecordsRequest;
import io.ballast.policy.v1.StreamTrainingRecordsResponse;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;

/** Feedback that is kept, decisions that are told, and one that is taken again. */
final class FakeFeedback extends FeedbackServiceGrpc.FeedbackServiceImplBase {
  private final FakeMesh mesh;

  FakeFeedback(FakeMesh mesh) {
    this.mesh = mesh;
  }

  @Override
  public void recordFeedback(
      RecordFeedbackRequest request, StreamObserver<RecordFeedbackResponse> observer) {
    mesh.answer(
        request,
        observer,
        q -> RecordFeedbackResponse.newBuilder().setEventId("event-1").setJoined(true).build());
  }

  @Override
  public void streamTrainingRecords(
      StreamTrainingRecordsRequest request,
      StreamObserver<StreamTrainingRecordsResponse> observer) {
    mesh.requests.add(request);
    Status failed = mesh.failure;
    if (failed != null) {
      observer.onError(failed.asRuntimeException());
      return;
    }
    mesh.trainingRecords.forEach(
        record ->
            observer.onNext(StreamTrainingRecordsResponse.newBuilder().setRecord(record).build()));
    if (!mesh.endlessRecords) {
      observer.onCompleted();
    }
  }

  @Override
  public void streamDecisions(
      StreamDecisionsRequest request, StreamObserver<StreamDecisionsResponse> observer) {
    mesh.requests.add(request);
    mesh.decisions.forEach(
        record -> observer.onNext(StreamDecisionsResponse.newBuilder().setRecord(record).build()));
    observer.onCompleted();
  }

  @Override
  public void replayDecision(
      ReplayDecisionRequest request, StreamObserver<ReplayDecisionResponse> observer) {
    mesh.answer(request, observer, q -> mesh.replay);
  }

  @Override
  public void deleteUserData(
      DeleteUserDataRequest request, StreamObserver<DeleteUserDataResponse> observer) {
    mesh.answer(
        request,
        observer,
        asked ->
            DeleteUserDataResponse.newBuilder()
                .setSuggestionsCount(2)
                .setEventsCount(3)
                .setIdsSha256("b".repeat(64))
                .setAuditSequence(17)
                .setAuditSha256("a".repeat(64))
                .build());
  }
}
