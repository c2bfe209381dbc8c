package io.ballast.policy.grpc;

import io.ballast.kit.call.Caller;
import io.ballast.kit.grpc.Replies;
import io.ballast.policy.core.CallCancellation;
import io.ballast.policy.core.feedback.DecisionLog;
import io.ballast.policy.core.feedback.DecisionReplay;
import io.ballast.policy.core.feedback.FeedbackLog;
import io.ballast.policy.core.feedback.UserData;
import io.ballast.policy.v1.DeleteUserDataRequest;
import io.ballast.policy.v1.DeleteUserDataResponse;
import io.ballast.policy.v1.FeedbackServiceGrpc;
import io.ballast.policy.v1.GetSuggestionRequest;
import io.ballast.policy.v1.GetSuggestionResponse;
import io.ballast.policy.v1.RecordFeedbackRequest;
import io.ballast.policy.v1.RecordFeedbackResponse;
import io.ballast.policy.v1.ReplayDecisionRequest;
import io.ballast.policy.v1.ReplayDecisionResponse;
import io.ballast.policy.v1.StreamDecisionsRequest;
import io.ballast.policy.v1.StreamDecisionsResponse;
import io.ballast.policy.v1.StreamTrainingRecordsRequest;
import io.ballast.policy.v1.StreamTrainingRecordsResponse;
import io.grpc.stub.StreamObserver;
import java.util.UUID;

/** The feedback API's edge: translates, delegates, answers. */
public final class FeedbackGrpcService extends FeedbackServiceGrpc.FeedbackServiceImplBase {
  private final FeedbackLog log;
  private final DecisionLog decisions;
  private final DecisionReplay replay;
  private final UserData data;
  private final FeedbackMapper mapper;
  private final Replies replies;

  public FeedbackGrpcService(
      FeedbackLog log,
      DecisionLog decisions,
      DecisionReplay replay,
      UserData data,
      FeedbackMapper mapper,
      Replies replies) {
    this.log = log;
    this.decisions = decisions;
    this.replay = replay;
    this.data = data;
    this.mapper = mapper;
    this.replies = replies;
  }

  @Override
  public void recordFeedback(
      RecordFeedbackRequest request, StreamObserver<RecordFeedbackResponse> observer) {
    replies.unary(observer, () -> mapper.toResponse(log.record(mapper.toCommand(request))));
  }

  @Override
  public void streamTrainingRecords(
      StreamTrainingRecordsRequest request,
      StreamObserver<StreamTrainingRecordsResponse> observer) {
    if (request.getFollow()) {
      replies.<StreamTrainingRecordsResponse>follow(
          observer, sink -> send(request, sink, ContextCancellation.ofFollower(sink)));
    } else {
      replies.<StreamTrainingRecordsResponse>stream(
          observer, sink -> send(request, sink, ContextCancellation.ofCurrentCall()));
    }
  }

  private void send(
      StreamTrainingRecordsRequest request,
      Replies.Sink<StreamTrainingRecordsResponse> sink,
      CallCancellation cancellation) {
    log.stream(
        mapper.toQuery(request), record -> sink.send(mapper.toResponse(record)), cancellation);
  }

  @Override
  public void streamDecisions(
      StreamDecisionsRequest request, StreamObserver<StreamDecisionsResponse> observer) {
    if (request.getFollow()) {
      replies.<StreamDecisionsResponse>follow(
          observer, sink -> send(request, sink, ContextCancellation.ofFollower(sink)));
    } else {
      replies.<StreamDecisionsResponse>stream(
          observer, sink -> send(request, sink, ContextCancellation.ofCurrentCall()));
    }
  }

  private void send(
      StreamDecisionsRequest request,
      Replies.Sink<StreamDecisionsResponse> sink,
      CallCancellation cancellation) {
    decisions.stream(
        mapper.toQuery(request), record -> sink.send(mapper.toResponse(record)), cancellation);
  }

  @Override
  public void getSuggestion(
      GetSuggestionRequest request, StreamObserver<GetSuggestionResponse> observer) {
    replies.unary(
        observer,
        () ->
            mapper.toResponse(
                log.suggestion(
                    mapper.tenantOf(request.getMetadata()),
                    FeedbackMapper.uuid("suggestion_id", request.getSuggestionId()))));
  }

  @Override
  public void replayDecision(
      ReplayDecisionRequest request, StreamObserver<ReplayDecisionResponse> observer) {
    replies.unary(
        observer,
        () -> {
          Caller caller = mapper.callerOf(request.getMetadata());
          UUID suggestion = FeedbackMapper.uuid("suggestion_id", request.getSuggestionId());
          return mapper.toResponse(
              replay.replay(caller, log.suggestion(caller.tenant(), suggestion).suggestion()));
        });
  }

  @Override
  public void deleteUserData(
      DeleteUserDataRequest request, StreamObserver<DeleteUserDataResponse> observer) {
    replies.unary(observer, () -> mapper.toResponse(data.delete(mapper.toCommand(request))));
  }
}
