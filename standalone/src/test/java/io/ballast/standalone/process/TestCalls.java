package io.ballast.standalone.process;

import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.mesh.v1.SamplingOptions;
import io.ballast.orchestrator.v1.CreateRunRequest;
import io.ballast.orchestrator.v1.GetRunRequest;
import io.ballast.orchestrator.v1.GetRunResponse;
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
import io.ballast.policy.v1.PolicyServiceGrpc;
import io.ballast.policy.v1.RecordFeedbackRequest;
import io.ballast.policy.v1.RecordFeedbackResponse;
import io.ballast.policy.v1.SuggestRequest;
import io.ballast.policy.v1.SuggestResponse;
import io.grpc.Channel;
import java.util.Iterator;
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
    return PolicyServiceGrpc.newBlockingStub(channel)
        .withDeadlineAfter(SECONDS, TimeUnit.SECONDS)
        .suggest(suggestion(prompt));
  }

  static RecordFeedbackResponse accept(Channel channel, String suggestionId, String key) {
    return FeedbackServiceGrpc.newBlockingStub(channel)
        .withDeadlineAfter(SECONDS, TimeUnit.SECONDS)
        .recordFeedback(
            RecordFeedbackRequest.newBuilder()
                .setMetadata(metadata().toBuilder().setIdempotencyKey(key))
                .setEvent(
                    FeedbackEvent.newBuilder()
                        .setSuggestionId(suggestionId)
                        .setAccepted(Accepted.getDefaultInstance()))
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

  /** What a run tells, from the beginning, until it ends or its server does. */
  static Iterator<WatchRunResponse> watch(Channel channel, String runId) {
    return RunServiceGrpc.newBlockingStub(channel)
        .withDeadlineAfter(4 * SECONDS, TimeUnit.SECONDS)
        .watchRun(WatchRunRequest.newBuilder().setMetadata(metadata()).setRunId(runId).build());
  }

  /** The run's last word. */
  static Run awaitEnd(Channel channel, String runId) {
    Run last = Run.getDefaultInstance();
    for (Iterator<WatchRunResponse> told = watch(channel, runId); told.hasNext(); ) {
      last = told.next().getRun();
    }
    return last;
  }
}
