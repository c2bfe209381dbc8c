package io.ballast.orchestrator.grpc;

import io.ballast.kit.grpc.Replies;
import io.ballast.learner.v1.CancelOperationRequest;
import io.ballast.learner.v1.CancelOperationResponse;
import io.ballast.learner.v1.CloseSessionRequest;
import io.ballast.learner.v1.CloseSessionResponse;
import io.ballast.learner.v1.CreateSessionRequest;
import io.ballast.learner.v1.CreateSessionResponse;
import io.ballast.learner.v1.DeleteCheckpointRequest;
import io.ballast.learner.v1.DeleteCheckpointResponse;
import io.ballast.learner.v1.ForwardBackwardRequest;
import io.ballast.learner.v1.ForwardBackwardResponse;
import io.ballast.learner.v1.ForwardRequest;
import io.ballast.learner.v1.ForwardResponse;
import io.ballast.learner.v1.GetOperationRequest;
import io.ballast.learner.v1.GetOperationResponse;
import io.ballast.learner.v1.GetSessionRequest;
import io.ballast.learner.v1.GetSessionResponse;
import io.ballast.learner.v1.LearnerServiceGrpc;
import io.ballast.learner.v1.ListCheckpointsRequest;
import io.ballast.learner.v1.ListCheckpointsResponse;
import io.ballast.learner.v1.ListSessionsRequest;
import io.ballast.learner.v1.ListSessionsResponse;
import io.ballast.learner.v1.LoadWeightsRequest;
import io.ballast.learner.v1.LoadWeightsResponse;
import io.ballast.learner.v1.OptimizerStepRequest;
import io.ballast.learner.v1.OptimizerStepResponse;
import io.ballast.learner.v1.SampleFromSessionRequest;
import io.ballast.learner.v1.SampleFromSessionResponse;
import io.ballast.learner.v1.SaveWeightsRequest;
import io.ballast.learner.v1.SaveWeightsResponse;
import io.ballast.learner.v1.WaitOperationRequest;
import io.ballast.learner.v1.WaitOperationResponse;
import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.orchestrator.core.Caller;
import io.ballast.orchestrator.core.Faults;
import io.ballast.orchestrator.core.learner.Checkpoints;
import io.ballast.orchestrator.core.learner.LearnerSession;
import io.ballast.orchestrator.core.learner.LearnerSessions;
import io.ballast.orchestrator.core.learner.Operation;
import io.ballast.orchestrator.core.learner.OperationResult;
import io.ballast.orchestrator.core.learner.SampleCommand;
import io.ballast.orchestrator.core.learner.WhichWeights;
import io.grpc.stub.StreamObserver;
import java.util.function.LongSupplier;

/** The learner's edge: translates, delegates, answers. Decides nothing. */
public final class LearnerGrpcService extends LearnerServiceGrpc.LearnerServiceImplBase {
  private final LearnerSessions sessions;
  private final Checkpoints checkpoints;
  private final LearnerMapper mapper;
  private final CallMapper calls;
  private final Replies replies;

  /**
   * @param seeds draws the seed of a call that brings none
   */
  public LearnerGrpcService(
      LearnerSessions sessions,
      Checkpoints checkpoints,
      CallMapper calls,
      Replies replies,
      LongSupplier seeds) {
    this.sessions = sessions;
    this.checkpoints = checkpoints;
    this.mapper = new LearnerMapper(seeds);
    this.calls = calls;
    this.replies = replies;
  }

  @Override
  public void createSession(
      CreateSessionRequest request, StreamObserver<CreateSessionResponse> observer) {
    replies.unary(
        observer,
        () ->
            CreateSessionResponse.newBuilder()
                .setSession(
                    LearnerAnswers.session(
                        sessions.open(
                            calls.caller(request.getMetadata()),
                            CallMapper.selector(request.getBase()),
                            LearnerMapper.options(request))))
                .build());
  }

  @Override
  public void getSession(GetSessionRequest request, StreamObserver<GetSessionResponse> observer) {
    replies.unary(
        observer,
        () ->
            GetSessionResponse.newBuilder()
                .setSession(
                    LearnerAnswers.session(session(request.getMetadata(), request.getSessionId())))
                .build());
  }

  @Override
  public void listSessions(
      ListSessionsRequest request, StreamObserver<ListSessionsResponse> observer) {
    replies.unary(
        observer,
        () ->
            ListSessionsResponse.newBuilder()
                .addAllSessions(
                    sessions.sessions(calls.caller(request.getMetadata())).stream()
                        .map(LearnerAnswers::session)
                        .toList())
                .build());
  }

  @Override
  public void closeSession(
      CloseSessionRequest request, StreamObserver<CloseSessionResponse> observer) {
    replies.unary(
        observer,
        () -> {
          sessions.close(calls.caller(request.getMetadata()), request.getSessionId());
          return CloseSessionResponse.getDefaultInstance();
        });
  }

  @Override
  public void forward(ForwardRequest request, StreamObserver<ForwardResponse> observer) {
    replies.unary(
        observer,
        () ->
            LearnerAnswers.forward(
                session(request.getMetadata(), request.getSessionId())
                    .forward(
                        LearnerMapper.groups(request.getGroupsList()),
                        LearnerMapper.weights(request.getWeights()),
                        ContextCancellation.ofCurrentCall())));
  }

  @Override
  public void sampleFromSession(
      SampleFromSessionRequest request, StreamObserver<SampleFromSessionResponse> observer) {
    replies.unary(
        observer,
        () -> {
          SampleCommand command = mapper.sample(request);
          return LearnerAnswers.samples(
              session(request.getMetadata(), request.getSessionId())
                  .sample(command, ContextCancellation.ofCurrentCall()),
              command.sampling().seed());
        });
  }

  @Override
  public void forwardBackward(
      ForwardBackwardRequest request, StreamObserver<ForwardBackwardResponse> observer) {
    replies.unary(
        observer,
        () -> {
          Caller caller = calls.caller(request.getMetadata());
          Operation<OperationResult> operation =
              sessions
                  .session(caller, request.getSessionId())
                  .forwardBackward(
                      caller,
                      CallMapper.fingerprint(
                          caller,
                          () -> request.toBuilder().clearMetadata().clearWaitDuration().build()),
                      LearnerMapper.groups(request.getGroupsList()),
                      LearnerMapper.loss(request));
          operation.await(CallMapper.wait(request.hasWaitDuration(), request.getWaitDuration()));
          return ForwardBackwardResponse.newBuilder()
              .setOperation(LearnerAnswers.operation(operation))
              .build();
        });
  }

  @Override
  public void optimizerStep(
      OptimizerStepRequest request, StreamObserver<OptimizerStepResponse> observer) {
    replies.unary(
        observer,
        () -> {
          Caller caller = calls.caller(request.getMetadata());
          LearnerSession session = sessions.session(caller, request.getSessionId());
          Operation<OperationResult> operation =
              session.step(
                  caller,
                  CallMapper.fingerprint(
                      caller,
                      () -> request.toBuilder().clearMetadata().clearWaitDuration().build()),
                  request.hasLearningRate()
                      ? request.getLearningRate()
                      : session.identity().options().optimizer().learningRate());
          operation.await(CallMapper.wait(request.hasWaitDuration(), request.getWaitDuration()));
          return OptimizerStepResponse.newBuilder()
              .setOperation(LearnerAnswers.operation(operation))
              .build();
        });
  }

  @Override
  public void saveWeights(
      SaveWeightsRequest request, StreamObserver<SaveWeightsResponse> observer) {
    replies.unary(
        observer,
        () -> {
          Caller caller = calls.caller(request.getMetadata());
          LearnerSession session = sessions.session(caller, request.getSessionId());
          String fingerprint =
              CallMapper.fingerprint(
                  caller, () -> request.toBuilder().clearMetadata().clearWaitDuration().build());
          Operation<OperationResult> operation =
              switch (request.getTargetCase()) {
                case PUBLISH_VERSION ->
                    session.publish(
                        caller,
                        fingerprint,
                        request.getPublishVersion(),
                        request.getAverage() ? WhichWeights.AVERAGE : WhichWeights.CURRENT,
                        request.getRegister());
                case CHECKPOINT -> {
                  LearnerMapper.requireWhole(request);
                  yield session.keep(caller, fingerprint, request.getCheckpoint());
                }
                case TARGET_NOT_SET ->
                    throw Faults.malformed(
                        "target", "not set (expected: publish_version or checkpoint)");
              };
          operation.await(CallMapper.wait(request.hasWaitDuration(), request.getWaitDuration()));
          return SaveWeightsResponse.newBuilder()
              .setOperation(LearnerAnswers.operation(operation))
              .build();
        });
  }

  @Override
  public void loadWeights(
      LoadWeightsRequest request, StreamObserver<LoadWeightsResponse> observer) {
    replies.unary(
        observer,
        () -> {
          Caller caller = calls.caller(request.getMetadata());
          Operation<OperationResult> operation =
              sessions
                  .session(caller, request.getSessionId())
                  .restore(
                      caller,
                      CallMapper.fingerprint(
                          caller,
                          () -> request.toBuilder().clearMetadata().clearWaitDuration().build()),
                      request.getCheckpoint());
          operation.await(CallMapper.wait(request.hasWaitDuration(), request.getWaitDuration()));
          return LoadWeightsResponse.newBuilder()
              .setOperation(LearnerAnswers.operation(operation))
              .build();
        });
  }

  @Override
  public void listCheckpoints(
      ListCheckpointsRequest request, StreamObserver<ListCheckpointsResponse> observer) {
    replies.unary(
        observer,
        () ->
            ListCheckpointsResponse.newBuilder()
                .addAllCheckpoints(
                    checkpoints
                        .list(calls.caller(request.getMetadata()), request.getPageSize())
                        .stream()
                        .map(LearnerAnswers::checkpoint)
                        .toList())
                .build());
  }

  @Override
  public void deleteCheckpoint(
      DeleteCheckpointRequest request, StreamObserver<DeleteCheckpointResponse> observer) {
    replies.unary(
        observer,
        () -> {
          checkpoints.delete(calls.caller(request.getMetadata()), request.getCheckpoint());
          return DeleteCheckpointResponse.getDefaultInstance();
        });
  }

  @Override
  public void getOperation(
      GetOperationRequest request, StreamObserver<GetOperationResponse> observer) {
    replies.unary(
        observer,
        () ->
            GetOperationResponse.newBuilder()
                .setOperation(
                    LearnerAnswers.operation(
                        operation(request.getMetadata(), request.getOperationId())))
                .build());
  }

  @Override
  public void waitOperation(
      WaitOperationRequest request, StreamObserver<WaitOperationResponse> observer) {
    replies.unary(
        observer,
        () -> {
          Operation<OperationResult> operation =
              operation(request.getMetadata(), request.getOperationId());
          operation.await(CallMapper.wait(request.hasWaitDuration(), request.getWaitDuration()));
          return WaitOperationResponse.newBuilder()
              .setOperation(LearnerAnswers.operation(operation))
              .build();
        });
  }

  @Override
  public void cancelOperation(
      CancelOperationRequest request, StreamObserver<CancelOperationResponse> observer) {
    replies.unary(
        observer,
        () -> {
          Operation<OperationResult> operation =
              operation(request.getMetadata(), request.getOperationId());
          operation.cancel();
          return CancelOperationResponse.newBuilder()
              .setOperation(LearnerAnswers.operation(operation))
              .build();
        });
  }

  private LearnerSession session(RequestMetadata metadata, String id) {
    return sessions.session(calls.caller(metadata), id);
  }

  private Operation<OperationResult> operation(RequestMetadata metadata, String id) {
    return sessions.operation(calls.caller(metadata), id);
  }
}
