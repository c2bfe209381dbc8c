package io.ballast.standalone.demo.flow;

import com.google.protobuf.Duration;
import io.ballast.mesh.v1.FailureReason;
import io.ballast.mesh.v1.ItemFailure;
import io.ballast.mesh.v1.ModelVersion;
import io.ballast.mesh.v1.Timing;
import io.ballast.mesh.v1.TokenSequence;
import io.ballast.orchestrator.v1.CreateRunRequest;
import io.ballast.orchestrator.v1.CreateRunResponse;
import io.ballast.orchestrator.v1.IterationMetrics;
import io.ballast.orchestrator.v1.Run;
import io.ballast.orchestrator.v1.RunServiceGrpc;
import io.ballast.orchestrator.v1.RunState;
import io.ballast.orchestrator.v1.WatchRunRequest;
import io.ballast.orchestrator.v1.WatchRunResponse;
import io.ballast.policy.v1.Completion;
import io.ballast.policy.v1.CompletionGroup;
import io.ballast.policy.v1.Decision;
import io.ballast.policy.v1.DecisionReason;
import io.ballast.policy.v1.FeedbackServiceGrpc;
import io.ballast.policy.v1.GateMode;
import io.ballast.policy.v1.ListAliasesRequest;
import io.ballast.policy.v1.ListAliasesResponse;
import io.ballast.policy.v1.PolicyAlias;
import io.ballast.policy.v1.PolicyServiceGrpc;
import io.ballast.policy.v1.RecordFeedbackRequest;
import io.ballast.policy.v1.RecordFeedbackResponse;
import io.ballast.policy.v1.SampleRequest;
import io.ballast.policy.v1.SampleResponse;
import io.ballast.policy.v1.SampleResult;
import io.ballast.policy.v1.SuggestRequest;
import io.ballast.policy.v1.SuggestResponse;
import io.ballast.policy.v1.SuggestionCost;
import io.ballast.policy.v1.SuggestionReward;
import io.ballast.policy.v1.VersionServiceGrpc;
import io.ballast.reward.v1.MemberScore;
import io.ballast.reward.v1.RewardServiceGrpc;
import io.ballast.reward.v1.ScoreRequest;
import io.ballast.reward.v1.ScoreResponse;
import io.ballast.reward.v1.ScoreResult;
import io.ballast.safety.v1.CostRequest;
import io.ballast.safety.v1.CostResponse;
import io.ballast.safety.v1.CostResult;
import io.ballast.safety.v1.CostValue;
import io.ballast.safety.v1.GateOutcome;
import io.ballast.safety.v1.GateStageAnswer;
import io.ballast.safety.v1.ListSafetyTestsRequest;
import io.ballast.safety.v1.ListSafetyTestsResponse;
import io.ballast.safety.v1.SafetyServiceGrpc;
import io.ballast.safety.v1.SafetyTest;
import io.ballast.safety.v1.SafetyTestOutcome;
import io.ballast.safety.v1.SafetyTestState;
import io.ballast.safety.v1.VerifyCertificateRequest;
import io.ballast.safety.v1.VerifyCertificateResponse;
import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.Status;
import io.grpc.inprocess.InProcessChannelBuilder;
import io.grpc.inprocess.InProcessServerBuilder;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A mesh whose models know the truth and tell it as often as their version is good: version 1 at
 * one prompt of four, candidates at two of four. What is wrong breaks the file.
 */
final class FakeMesh implements AutoCloseable {
  static final String WRONG = "((";

  final List<SuggestRequest> suggested = Collections.synchronizedList(new ArrayList<>());
  final List<RecordFeedbackRequest> feedback = Collections.synchronizedList(new ArrayList<>());
  final Map<String, String> specs = new ConcurrentHashMap<>();
  final AtomicInteger watches = new AtomicInteger();

  /** How the runs end, by the beginning of their name. */
  final Map<String, RunState> ends =
      new ConcurrentHashMap<>(
          Map.of(
              "demo-constrained", RunState.RUN_STATE_PROMOTED,
              "demo-reward-only", RunState.RUN_STATE_NO_SOLUTION_FOUND));

  private final Map<String, String> truths;
  private final Server server;
  private final ManagedChannel channel;
  private volatile String serving = "1";

  /**
   * @param truths what stands after each prompt
   */
  FakeMesh(Map<String, String> truths) throws IOException {
    this.truths = truths;
    String name = UUID.randomUUID().toString();
    this.server =
        InProcessServerBuilder.forName(name)
            .addService(new Policy())
            .addService(new Versions())
            .addService(new Feedback())
            .addService(new Rewards())
            .addService(new Safety())
            .addService(new Runs())
            .build()
            .start();
    this.channel = InProcessChannelBuilder.forName(name).build();
  }

  ManagedChannel channel() {
    return channel;
  }

  @Override
  public void close() {
    channel.shutdownNow();
    server.shutdownNow();
  }

  private String answer(String prompt, String version) {
    int good = version.equals("1") ? 1 : 2;
    return Math.floorMod(prompt.hashCode(), 4) < good ? truths.getOrDefault(prompt, "") : WRONG;
  }

  private static ModelVersion version(String model, String version) {
    return ModelVersion.newBuilder().setModel(model).setVersion(version).build();
  }

  private static <T> void answer(StreamObserver<T> observer, T answer) {
    observer.onNext(answer);
    observer.onCompleted();
  }

  private final class Policy extends PolicyServiceGrpc.PolicyServiceImplBase {
    @Override
    public void suggest(SuggestRequest request, StreamObserver<SuggestResponse> observer) {
      suggested.add(request);
      String version =
          request.getPolicy().getVersion().isEmpty() ? serving : request.getPolicy().getVersion();
      String text = answer(request.getPrompt(), version);
      boolean doubtful = Math.floorMod(request.getPrompt().hashCode(), 8) == 7;
      boolean shown = !doubtful || request.getGateMode() == GateMode.GATE_MODE_SHADOW;
      SuggestResponse.Builder response =
          SuggestResponse.newBuilder()
              .setSuggestionId(UUID.randomUUID().toString())
              .setDecision(shown ? Decision.DECISION_SHOW : Decision.DECISION_WITHHOLD)
              .setReason(
                  shown
                      ? DecisionReason.DECISION_REASON_LIKELY_ACCEPTED
                      : DecisionReason.DECISION_REASON_SUGGESTION_LIKELY_REJECTED)
              .setText(shown ? text : "")
              .setAcceptProbability(0.4)
              .setAcceptThreshold(0.2)
              .setPropensity(1)
              .setStageOne(GateStageAnswer.newBuilder().setOutcome(GateOutcome.GATE_OUTCOME_REFER))
              .setStageTwo(
                  GateStageAnswer.newBuilder()
                      .setOutcome(
                          doubtful
                              ? GateOutcome.GATE_OUTCOME_WITHHOLD
                              : GateOutcome.GATE_OUTCOME_PASS)
                      .setAcceptProbability(text.equals(WRONG) ? 0.1 : 0.8))
              .setPolicyVersion(version("java-tiny", version))
              .setTiming(
                  Timing.newBuilder().setTotalDuration(Duration.newBuilder().setNanos(12_000_000)));
      if (request.getWithReward()) {
        response.setReward(SuggestionReward.newBuilder().setValue(1.5).setSpread(0.25));
      }
      if (request.getWithCost()) {
        response.setCost(SuggestionCost.newBuilder().setHarmProbability(0.1).setThreshold(0.5));
      }
      answer(observer, response.build());
    }

    @Override
    public void sample(SampleRequest request, StreamObserver<SampleResponse> observer) {
      SampleResponse.Builder response = SampleResponse.newBuilder();
      request
          .getPromptsList()
          .forEach(
              prompt -> {
                CompletionGroup.Builder group =
                    CompletionGroup.newBuilder()
                        .setPromptTokens(TokenSequence.newBuilder().addTokenIds(1));
                for (int i = 0; i < request.getCompletionsCount(); i++) {
                  boolean good = i % 2 == 0;
                  String text = good ? truths.getOrDefault(prompt.getText(), "") : WRONG;
                  group.addCompletions(
                      Completion.newBuilder()
                          .setText(text)
                          .setTokens(TokenSequence.newBuilder().addTokenIds(good ? 7 : 8))
                          .addLogProbs(-1));
                }
                response.addResults(SampleResult.newBuilder().setGroup(group));
              });
      answer(observer, response.build());
    }
  }

  private final class Versions extends VersionServiceGrpc.VersionServiceImplBase {
    @Override
    public void listAliases(
        ListAliasesRequest request, StreamObserver<ListAliasesResponse> observer) {
      answer(
          observer,
          ListAliasesResponse.newBuilder()
              .addAliases(PolicyAlias.newBuilder().setAlias("serving").setVersion(serving))
              .build());
    }
  }

  private final class Feedback extends FeedbackServiceGrpc.FeedbackServiceImplBase {
    @Override
    public void recordFeedback(
        RecordFeedbackRequest request, StreamObserver<RecordFeedbackResponse> observer) {
      feedback.add(request);
      answer(observer, RecordFeedbackResponse.newBuilder().setJoined(true).build());
    }
  }

  /** Token 7 and texts other than WRONG are good. The last item of a call fails. */
  private static final class Rewards extends RewardServiceGrpc.RewardServiceImplBase {
    @Override
    public void score(ScoreRequest request, StreamObserver<ScoreResponse> observer) {
      ScoreResponse.Builder response = ScoreResponse.newBuilder();
      for (int i = 0; i < request.getItemsCount(); i++) {
        var completion = request.getItems(i).getCompletion();
        boolean good =
            completion.hasText()
                ? !completion.getText().equals(WRONG)
                : completion.getTokens().getTokenIds(0) == 7;
        ScoreResult.Builder result = ScoreResult.newBuilder();
        if (i == request.getItemsCount() - 1) {
          result.setFailure(
              ItemFailure.newBuilder().setReason(FailureReason.FAILURE_REASON_QUORUM_LOST));
        } else {
          result
              .setValue(good ? 2 : -2)
              .setSpread(0.5)
              .addMembers(MemberScore.newBuilder().setNormalisedScore(good ? 3 : -1));
        }
        response.addResults(result);
      }
      answer(observer, response.build());
    }
  }

  private final class Safety extends SafetyServiceGrpc.SafetyServiceImplBase {
    @Override
    public void cost(CostRequest request, StreamObserver<CostResponse> observer) {
      CostResponse.Builder response = CostResponse.newBuilder();
      request
          .getItemsList()
          .forEach(
              item -> {
                var completion = item.getCompletion();
                boolean good =
                    completion.hasText()
                        ? !completion.getText().equals(WRONG)
                        : completion.getTokens().getTokenIds(0) == 7;
                response.addResults(
                    CostResult.newBuilder()
                        .setValue(CostValue.newBuilder().setHarmProbability(good ? 0.1 : 0.9)));
              });
      answer(observer, response.build());
    }

    @Override
    public void listSafetyTests(
        ListSafetyTestsRequest request, StreamObserver<ListSafetyTestsResponse> observer) {
      answer(
          observer,
          ListSafetyTestsResponse.newBuilder()
              .addTests(
                  SafetyTest.newBuilder()
                      .setState(SafetyTestState.SAFETY_TEST_STATE_RUNNING)
                      .setRunId(request.getRunId())
                      .setJudgedCount(3)
                      .setPromptsCount(6))
              .build());
    }

    @Override
    public void verifyCertificate(
        VerifyCertificateRequest request, StreamObserver<VerifyCertificateResponse> observer) {
      answer(
          observer,
          VerifyCertificateResponse.newBuilder()
              .setValid(request.getCandidateWeightsSha256().equals("abc"))
              .addFindings("digest: matches")
              .setRecomputedUpperBound(0.17)
              .build());
    }
  }

  /** Two iterations, a test, the end. The first watch of all breaks after its first event. */
  private final class Runs extends RunServiceGrpc.RunServiceImplBase {
    @Override
    public void createRun(CreateRunRequest request, StreamObserver<CreateRunResponse> observer) {
      String name =
          request.getSpec().contains("name: demo-constrained")
              ? "demo-constrained"
              : "demo-reward-only";
      String id = "run-" + name;
      specs.put(name, request.getSpec());
      answer(
          observer,
          CreateRunResponse.newBuilder()
              .setRun(Run.newBuilder().setRunId(id).setName(name))
              .build());
    }

    @Override
    public void watchRun(WatchRunRequest request, StreamObserver<WatchRunResponse> observer) {
      String name = request.getRunId().substring("run-".length());
      Run.Builder run =
          Run.newBuilder()
              .setRunId(request.getRunId())
              .setName(name)
              .setIterationsCount(2)
              .setState(RunState.RUN_STATE_LEARNING);
      boolean breaks = watches.incrementAndGet() == 1;
      for (int i = request.getAfterIteration() + 1; i <= 2; i++) {
        IterationMetrics.Builder metrics =
            IterationMetrics.newBuilder()
                .setIteration(i)
                .setMeanReward(i)
                .setMeanSpread(0.5)
                .setMeanCost(0.3 - 0.1 * i)
                .setSampleSeconds(1);
        if (i == 1) { // it is not measured in each
          metrics.setKlNats(0.05);
        }
        if (name.equals("demo-constrained")) {
          metrics.setLambda(0.5);
        }
        observer.onNext(WatchRunResponse.newBuilder().setRun(run).setIteration(metrics).build());
        if (breaks) {
          observer.onError(Status.UNAVAILABLE.asRuntimeException());
          return;
        }
      }
      run.setCandidateVersion(
          version("java-tiny", name + "-0a1b2c3d").toBuilder().setWeightsSha256("abc"));
      SafetyTest.Builder test =
          SafetyTest.newBuilder().setTestId("test").setCostModel(version("java-cost", "2"));
      observer.onNext(
          WatchRunResponse.newBuilder()
              .setRun(run.setState(RunState.RUN_STATE_TESTING).setSafetyTest(test))
              .build());
      RunState end = ends.getOrDefault(name, RunState.RUN_STATE_FAILED);
      boolean passed = end != RunState.RUN_STATE_NO_SOLUTION_FOUND;
      test.setCertificateId(passed ? "certificate-" + name : "")
          .setOutcome(
              SafetyTestOutcome.newBuilder()
                  .setMeanCost(passed ? 0.15 : 0.25)
                  .setUpperBound(passed ? 0.17 : 0.28)
                  .setThreshold(0.2)
                  .setDelta(0.05)
                  .setN(6));
      run.setState(end).setSafetyTest(test);
      if (end == RunState.RUN_STATE_PROMOTED) {
        serving = run.getCandidateVersion().getVersion();
      }
      if (end == RunState.RUN_STATE_FAILED) {
        run.setMessage("the learner is out of memory");
      }
      answer(observer, WatchRunResponse.newBuilder().setRun(run).build());
    }
  }
}
