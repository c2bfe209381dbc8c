package io.ballast.standalone.process;

import io.ballast.mesh.v1.ModelSelector;
import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.mesh.v1.SamplingOptions;
import io.ballast.orchestrator.v1.CreateRunRequest;
import io.ballast.orchestrator.v1.GetRunRequest;
import io.ballast.orchestrator.v1.GetRunResponse;
import io.ballast.orchestrator.v1.ResumeRunRequest;
import io.ballast.orchestrator.v1.Run;
import io.ballast.orchestrator.v1.RunServiceGrpc;
import io.ballast.orchestrator.v1.WatchRunRequest;
import io.ballast.orchestrator.v1.WatchRunResponse;
import io.ballast.policy.v1.Accepted;
import io.ballast.policy.v1.FeedbackEvent;
import io.ballast.policy.v1.FeedbackServiceGrpc;
import io.ballast.policy.v1.GateMode;
import io.ballast.policy.v1.GetSuggestionRequest;
import io.ballast.policy.v1.GetSuggestionResponse;
import io.ballast.policy.v1.GetVersionRequest;
import io.ballast.policy.v1.PolicyServiceGrpc;
import io.ballast.policy.v1.PolicyVersion;
import io.ballast.policy.v1.RecordFeedbackRequest;
import io.ballast.policy.v1.RecordFeedbackResponse;
import io.ballast.policy.v1.StreamTrainingRecordsRequest;
import io.ballast.policy.v1.SuggestRequest;
import io.ballast.policy.v1.SuggestResponse;
import io.ballast.policy.v1.TrainingRecord;
import io.ballast.policy.v1.VersionServiceGrpc;
import io.ballast.reward.v1.RewardTraining;
import io.ballast.reward.v1.RewardTrainingServiceGrpc;
import io.ballast.reward.v1.StartTrainingRequest;
import io.ballast.reward.v1.StartTrainingResponse;
import io.ballast.reward.v1.WatchTrainingRequest;
import io.ballast.reward.v1.WatchTrainingResponse;
import io.grpc.Channel;
import io.grpc.stub.StreamObserver;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/** The calls of the process tests. */
final class TestCalls {
  private static final long SECONDS = 60;

  private TestCalls() {}

  static SuggestRequest suggestion(String prompt) {
    return SuggestRequest.newBuilder()
        .setMetadata(metadata())
        .setPrompt(prompt)
        .setSampling(SamplingOptions.newBuilder().setSeed(7))
        .setGateMode(GateMode.GATE_MODE_SHADOW)
        .setWithReward(true)
        .setWithCost(true)
        .build();
  }

  static RequestMetadata metadata() {
    return RequestMetadata.newBuilder().setTenant("process-test").build();
  }

  static SuggestResponse suggest(Channel channel, String prompt) {
    return suggest(channel, suggestion(prompt));
  }

  static SuggestResponse suggest(Channel channel, SuggestRequest request) {
    return PolicyServiceGrpc.newBlockingStub(channel)
        .withDeadlineAfter(SECONDS, TimeUnit.SECONDS)
        .suggest(request);
  }

  static RecordFeedbackResponse accept(Channel channel, String suggestionId, String key) {
    return tell(
        channel,
        key,
        FeedbackEvent.newBuilder()
            .setSuggestionId(suggestionId)
            .setAccepted(Accepted.getDefaultInstance())
            .build());
  }

  static RecordFeedbackResponse tell(Channel channel, String key, FeedbackEvent event) {
    return FeedbackServiceGrpc.newBlockingStub(channel)
        .withDeadlineAfter(SECONDS, TimeUnit.SECONDS)
        .recordFeedback(
            RecordFeedbackRequest.newBuilder()
                .setMetadata(metadata().toBuilder().setIdempotencyKey(key))
                .setEvent(event)
                .build());
  }

  static GetSuggestionResponse recorded(Channel channel, String suggestionId) {
    return FeedbackServiceGrpc.newBlockingStub(channel)
        .withDeadlineAfter(SECONDS, TimeUnit.SECONDS)
        .getSuggestion(
            GetSuggestionRequest.newBuilder()
                .setMetadata(metadata())
                .setSuggestionId(suggestionId)
                .build());
  }

  /** Every suggestion of which an event was kept, with it. */
  static List<TrainingRecord> trainingRecords(Channel channel) {
    List<TrainingRecord> records = new ArrayList<>();
    FeedbackServiceGrpc.newBlockingStub(channel)
        .withDeadlineAfter(SECONDS, TimeUnit.SECONDS)
        .streamTrainingRecords(
            StreamTrainingRecordsRequest.newBuilder().setMetadata(metadata()).build())
        .forEachRemaining(answer -> records.add(answer.getRecord()));
    return records;
  }

  /** What the policy-server knows of one version. */
  static PolicyVersion version(Channel channel, String model, String version) {
    return VersionServiceGrpc.newBlockingStub(channel)
        .withDeadlineAfter(SECONDS, TimeUnit.SECONDS)
        .getVersion(
            GetVersionRequest.newBuilder()
                .setMetadata(metadata())
                .setSelector(ModelSelector.newBuilder().setModel(model).setVersion(version))
                .build())
        .getVersion();
  }

  static String create(Channel channel, String spec) {
    return RunServiceGrpc.newBlockingStub(channel)
        .withDeadlineAfter(SECONDS, TimeUnit.SECONDS)
        .createRun(CreateRunRequest.newBuilder().setMetadata(metadata()).setSpec(spec).build())
        .getRun()
        .getRunId();
  }

  static GetRunResponse run(Channel channel, String runId) {
    return RunServiceGrpc.newBlockingStub(channel)
        .withDeadlineAfter(SECONDS, TimeUnit.SECONDS)
        .getRun(GetRunRequest.newBuilder().setMetadata(metadata()).setRunId(runId).build());
  }

  /** Has a run go on that failed, and returns it. */
  static Run resume(Channel channel, String runId) {
    return RunServiceGrpc.newBlockingStub(channel)
        .withDeadlineAfter(SECONDS, TimeUnit.SECONDS)
        .resumeRun(ResumeRunRequest.newBuilder().setMetadata(metadata()).setRunId(runId).build())
        .getRun();
  }

  /** What a run tells, from the beginning, until it ends or its server does. */
  static Iterator<WatchRunResponse> watch(Channel channel, String runId) {
    return RunServiceGrpc.newBlockingStub(channel)
        .withDeadlineAfter(4 * SECONDS, TimeUnit.SECONDS)
        .watchRun(WatchRunRequest.newBuilder().setMetadata(metadata()).setRunId(runId).build());
  }

  /** Waits until so many of the run's iterations are durable. */
  static void awaitIterations(Channel channel, String runId, int count) {
    Iterator<WatchRunResponse> told = watch(channel, runId);
    int done = 0;
    while (done < count) {
      done = told.next().getRun().getIterationsDone();
    }
  }

  /** The run's last word. */
  static Run awaitEnd(Channel channel, String runId) {
    Run last = Run.getDefaultInstance();
    for (Iterator<WatchRunResponse> told = watch(channel, runId); told.hasNext(); ) {
      last = told.next().getRun();
    }
    return last;
  }

  /** Starts a training with the messages of its stream: the plan, then the bytes of its file. */
  static RewardTraining train(Channel channel, List<StartTrainingRequest> messages) {
    CompletableFuture<StartTrainingResponse> answer = new CompletableFuture<>();
    StreamObserver<StartTrainingRequest> requests =
        RewardTrainingServiceGrpc.newStub(channel)
            .startTraining(
                new StreamObserver<>() {
                  @Override
                  public void onNext(StartTrainingResponse response) {
                    answer.complete(response);
                  }

                  @Override
                  public void onError(Throwable error) {
                    answer.completeExceptionally(error);
                  }

                  @Override
                  public void onCompleted() {}
                });
    messages.forEach(requests::onNext);
    requests.onCompleted();
    return answer.orTimeout(SECONDS, TimeUnit.SECONDS).join().getTraining();
  }

  /** What a training tells of itself until it ends. */
  static Iterator<WatchTrainingResponse> watch(Channel channel, RewardTraining training) {
    return RewardTrainingServiceGrpc.newBlockingStub(channel)
        .withDeadlineAfter(2 * SECONDS, TimeUnit.SECONDS)
        .watchTraining(
            WatchTrainingRequest.newBuilder()
                .setMetadata(RequestMetadata.newBuilder().setTenant(training.getTenant()))
                .setTrainingId(training.getTrainingId())
                .build());
  }
}
