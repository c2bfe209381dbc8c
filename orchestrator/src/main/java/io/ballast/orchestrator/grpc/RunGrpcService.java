package io.ballast.orchestrator.grpc;

import io.ballast.kit.grpc.Replies;
import io.ballast.orchestrator.core.Caller;
import io.ballast.orchestrator.core.run.Runs;
import io.ballast.orchestrator.core.spec.GroupedPrompts;
import io.ballast.orchestrator.v1.CancelRunRequest;
import io.ballast.orchestrator.v1.CancelRunResponse;
import io.ballast.orchestrator.v1.CreateRunRequest;
import io.ballast.orchestrator.v1.CreateRunResponse;
import io.ballast.orchestrator.v1.GetRunRequest;
import io.ballast.orchestrator.v1.GetRunResponse;
import io.ballast.orchestrator.v1.ListRunsRequest;
import io.ballast.orchestrator.v1.ListRunsResponse;
import io.ballast.orchestrator.v1.PauseRunRequest;
import io.ballast.orchestrator.v1.PauseRunResponse;
import io.ballast.orchestrator.v1.PromoteCandidateRequest;
import io.ballast.orchestrator.v1.PromoteCandidateResponse;
import io.ballast.orchestrator.v1.ResumeRunRequest;
import io.ballast.orchestrator.v1.ResumeRunResponse;
import io.ballast.orchestrator.v1.RunServiceGrpc;
import io.ballast.orchestrator.v1.WatchRunRequest;
import io.ballast.orchestrator.v1.WatchRunResponse;
import io.grpc.stub.StreamObserver;
import java.util.concurrent.atomic.AtomicBoolean;

/** The run API's edge: translates, delegates, answers. Decides nothing. */
public final class RunGrpcService extends RunServiceGrpc.RunServiceImplBase {
  private final Runs runs;
  private final CallMapper calls;
  private final Replies replies;

  public RunGrpcService(Runs runs, CallMapper calls, Replies replies) {
    this.runs = runs;
    this.calls = calls;
    this.replies = replies;
  }

  @Override
  public void createRun(CreateRunRequest request, StreamObserver<CreateRunResponse> observer) {
    replies.unary(
        observer,
        () -> {
          Caller caller = calls.caller(request.getMetadata());
          String fingerprint =
              CallMapper.fingerprint(caller, () -> request.toBuilder().clearMetadata().build());
          return CreateRunResponse.newBuilder()
              .setRun(RunMapper.run(runs.create(caller, request.getSpec(), fingerprint)))
              .build();
        });
  }

  @Override
  public void getRun(GetRunRequest request, StreamObserver<GetRunResponse> observer) {
    replies.unary(
        observer,
        () ->
            RunMapper.detailed(runs.get(calls.caller(request.getMetadata()), request.getRunId())));
  }

  @Override
  public void listRuns(ListRunsRequest request, StreamObserver<ListRunsResponse> observer) {
    replies.unary(
        observer,
        () ->
            ListRunsResponse.newBuilder()
                .addAllRuns(
                    runs.list(calls.caller(request.getMetadata()), request.getPageSize()).stream()
                        .map(RunMapper::run)
                        .toList())
                .build());
  }

  @Override
  public void watchRun(WatchRunRequest request, StreamObserver<WatchRunResponse> observer) {
    replies.<WatchRunResponse>follow(
        observer,
        sink -> {
          AtomicBoolean told = new AtomicBoolean();
          runs.watch(
              calls.caller(request.getMetadata()),
              request.getRunId(),
              request.getAfterIteration(),
              new Follower(sink),
              (run, iteration) -> sink.send(RunMapper.seen(run, iteration, !told.getAndSet(true))));
        });
  }

  @Override
  public void pauseRun(PauseRunRequest request, StreamObserver<PauseRunResponse> observer) {
    replies.unary(
        observer,
        () ->
            PauseRunResponse.newBuilder()
                .setRun(
                    RunMapper.run(
                        runs.pause(calls.caller(request.getMetadata()), request.getRunId())))
                .build());
  }

  @Override
  public void resumeRun(ResumeRunRequest request, StreamObserver<ResumeRunResponse> observer) {
    replies.unary(
        observer,
        () ->
            ResumeRunResponse.newBuilder()
                .setRun(
                    RunMapper.run(
                        runs.resume(
                            calls.caller(request.getMetadata()),
                            request.getRunId(),
                            new GroupedPrompts(
                                request.getTestPromptsList(), request.getTestGroupsList()))))
                .build());
  }

  @Override
  public void cancelRun(CancelRunRequest request, StreamObserver<CancelRunResponse> observer) {
    replies.unary(
        observer,
        () ->
            CancelRunResponse.newBuilder()
                .setRun(
                    RunMapper.run(
                        runs.cancel(calls.caller(request.getMetadata()), request.getRunId())))
                .build());
  }

  @Override
  public void promoteCandidate(
      PromoteCandidateRequest request, StreamObserver<PromoteCandidateResponse> observer) {
    replies.unary(
        observer,
        () ->
            PromoteCandidateResponse.newBuilder()
                .setRun(
                    RunMapper.run(
                        runs.promote(
                            calls.caller(request.getMetadata()),
                            request.getRunId(),
                            request.getAcceptAlarms())))
                .build());
  }
}
