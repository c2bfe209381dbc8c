package io.ballast.standalone.cli;

import io.ballast.mesh.v1.ModelSelector;
import io.ballast.orchestrator.v1.CreateRunRequest;
import io.ballast.orchestrator.v1.CreateRunResponse;
import io.ballast.orchestrator.v1.GetRunRequest;
import io.ballast.orchestrator.v1.GetRunResponse;
import io.ballast.orchestrator.v1.GoldFailure;
import io.ballast.orchestrator.v1.GoldScores;
import io.ballast.orchestrator.v1.IterationMetrics;
import io.ballast.orchestrator.v1.LearningMetrics;
import io.ballast.orchestrator.v1.ListRunsRequest;
import io.ballast.orchestrator.v1.ListRunsResponse;
import io.ballast.orchestrator.v1.PauseRunRequest;
import io.ballast.orchestrator.v1.PauseRunResponse;
import io.ballast.orchestrator.v1.PromoteCandidateRequest;
import io.ballast.orchestrator.v1.PromoteCandidateResponse;
import io.ballast.orchestrator.v1.ResumeRunRequest;
import io.ballast.orchestrator.v1.ResumeRunResponse;
import io.ballast.orchestrator.v1.RewardWatch;
import io.ballast.orchestrator.v1.Run;
import io.ballast.orchestrator.v1.RunAlarm;
import io.ballast.orchestrator.v1.RunAlarmKind;
import io.ballast.orchestrator.v1.RunServiceGrpc;
import io.ballast.orchestrator.v1.RunState;
import io.ballast.orchestrator.v1.UpdateOutcome;
import io.ballast.orchestrator.v1.WatchAction;
import io.ballast.orchestrator.v1.WatchRunRequest;
import io.ballast.orchestrator.v1.WatchRunResponse;
import io.ballast.reward.v1.GoldFit;
import io.ballast.reward.v1.GoldForm;
import io.ballast.reward.v1.GoldPeak;
import io.ballast.safety.v1.SafetyTest;
import io.ballast.safety.v1.SafetyTestState;
import io.grpc.stub.StreamObserver;

/** Runs of which each has three iterations, as the mesh says that they go and end. */
final class FakeRuns extends RunServiceGrpc.RunServiceImplBase {
  private final FakeMesh mesh;
  private final FakeGrid grid;

  FakeRuns(FakeMesh mesh) {
    this.mesh = mesh;
    this.grid = new FakeGrid(mesh);
  }

  @Override
  public void createRun(CreateRunRequest request, StreamObserver<CreateRunResponse> observer) {
    mesh.answer(
        request,
        observer,
        q ->
            CreateRunResponse.newBuilder()
                .setRun(
                    mesh.grid
                        ? grid.create(q)
                        : run(RunState.RUN_STATE_QUEUED, 0).toBuilder()
                            .setSpec(q.getSpec())
                            .build())
                .build());
  }

  @Override
  public void watchRun(WatchRunRequest request, StreamObserver<WatchRunResponse> observer) {
    mesh.requests.add(request);
    if (mesh.grid) {
      observer.onNext(WatchRunResponse.newBuilder().setRun(grid.end(request.getRunId())).build());
      observer.onCompleted();
      return;
    }
    for (int i = request.getAfterIteration() + 1; i <= 3; i++) {
      observer.onNext(
          WatchRunResponse.newBuilder()
              .setRun(run(RunState.RUN_STATE_LEARNING, i))
              .setIteration(iteration(i))
              .build());
    }
    observer.onNext(WatchRunResponse.newBuilder().setRun(run(mesh.endOfRun, 3)).build());
    observer.onCompleted();
  }

  @Override
  public void getRun(GetRunRequest request, StreamObserver<GetRunResponse> observer) {
    mesh.answer(
        request,
        observer,
        q ->
            mesh.grid
                ? grid.get(q.getRunId())
                : mesh.moreRuns.stream()
                    .filter(each -> each.getRun().getRunId().equals(q.getRunId()))
                    .findFirst()
                    .orElseGet(this::tidy));
  }

  @Override
  public void listRuns(ListRunsRequest request, StreamObserver<ListRunsResponse> observer) {
    mesh.answer(
        request,
        observer,
        q ->
            ListRunsResponse.newBuilder()
                .addAllRuns(mesh.moreRuns.stream().map(GetRunResponse::getRun).toList())
                .addRuns(run(mesh.endOfRun, 3))
                .build());
  }

  @Override
  public void pauseRun(PauseRunRequest request, StreamObserver<PauseRunResponse> observer) {
    mesh.answer(
        request,
        observer,
        q -> PauseRunResponse.newBuilder().setRun(run(RunState.RUN_STATE_PAUSED, 2)).build());
  }

  @Override
  public void resumeRun(ResumeRunRequest request, StreamObserver<ResumeRunResponse> observer) {
    mesh.answer(
        request,
        observer,
        q -> ResumeRunResponse.newBuilder().setRun(run(RunState.RUN_STATE_QUEUED, 3)).build());
  }

  @Override
  public void promoteCandidate(
      PromoteCandidateRequest request, StreamObserver<PromoteCandidateResponse> observer) {
    mesh.answer(
        request,
        observer,
        q ->
            PromoteCandidateResponse.newBuilder()
                .setRun(run(RunState.RUN_STATE_PROMOTED, 3))
                .build());
  }

  private GetRunResponse tidy() {
    return GetRunResponse.newBuilder()
        .setRun(run(mesh.endOfRun, 3))
        .addIterations(iteration(1))
        .addIterations(iteration(2))
        .addIterations(iteration(3))
        .setWatch(mesh.alarmed ? watch() : RewardWatch.getDefaultInstance())
        .build();
  }

  private Run run(RunState state, int done) {
    Run.Builder run =
        Run.newBuilder()
            .setRunId(FakeMesh.RUN_ID)
            .setName("tidy")
            .setState(state)
            .setSpec("name: tidy\n")
            .setIterationsDone(done)
            .setIterationsCount(3)
            .setBaseVersion(FakeMesh.POLICY);
    if (done > 0) {
      run.setLatest(iteration(done));
    }
    if (mesh.alarmed && done == 3) {
      run.addAlarms(alarm()).setCandidateIteration(2);
    }
    if (RunWatcher.ended(state)) {
      run.setCandidateVersion(FakeMesh.POLICY.toBuilder().setVersion("tidy-0c7f0000"))
          .setSafetyTest(
              SafetyTest.newBuilder()
                  .setState(SafetyTestState.SAFETY_TEST_STATE_PASSED)
                  .setCostModel(FakeMesh.model("java-cost").toBuilder().setVersion("2"))
                  .setOutcome(FakeSafety.outcome())
                  .setCertificateId(FakeMesh.CERTIFICATE_ID));
    }
    return run.build();
  }

  private RunAlarm alarm() {
    return RunAlarm.newBuilder()
        .setIteration(3)
        .setKind(RunAlarmKind.RUN_ALARM_KIND_PROXY_GOLD_GAP)
        .setObserved(0.75)
        .setLimit(0.5)
        .setAction(WatchAction.WATCH_ACTION_REFUSE_PROMOTION)
        .build();
  }

  private RewardWatch watch() {
    return RewardWatch.newBuilder()
        .setGoldModel(ModelSelector.newBuilder().setModel("people").setVersion("4"))
        .setFirstGold(0.5)
        .setFit(
            GoldFit.newBuilder()
                .setForm(GoldForm.GOLD_FORM_REINFORCEMENT_LEARNING)
                .setAlpha(0.35)
                .setAlphaLow(0.3)
                .setAlphaHigh(0.4)
                .setBeta(0.146)
                .setBetaLow(0.1)
                .setBetaHigh(0.2)
                .setFarthestDistance(3)
                .setPeak(
                    GoldPeak.newBuilder()
                        .setDistance(4.0441)
                        .setKlNats(16.355)
                        .setGoldGain(0.59044)))
        .build();
  }

  private IterationMetrics iteration(int i) {
    IterationMetrics.Builder plain = plain(i);
    if (mesh.composed) {
      plain.clearMeanSpread();
    }
    if (mesh.skipping) {
      plain.setLearning(skipped(i));
    }
    if (!mesh.alarmed) {
      return plain.build();
    }
    if (i == 2) {
      return plain
          .setGoldFailure(
              GoldFailure.newBuilder()
                  .setReason("MODEL_LOADING")
                  .setMessage("reward-server: people/4 <is> loading"))
          .build();
    }
    plain.setGold(GoldScores.newBuilder().setMeanGold(0.5 * i)).setGoldGap(0.25 * i);
    return i == 3 ? plain.addAlarms(alarm()).build() : plain.build();
  }

  private static LearningMetrics.Builder skipped(int i) {
    LearningMetrics.Builder learning = LearningMetrics.newBuilder();
    return switch (i) {
      case 1 ->
          learning
              .setOutcome(UpdateOutcome.UPDATE_OUTCOME_NOT_FINITE)
              .setMessage("gradient norm: NaN");
      case 2 ->
          learning
              .setOutcome(UpdateOutcome.UPDATE_OUTCOME_NO_SIGNAL)
              .setMessage("every completion is masked");
      default -> learning.setOutcome(UpdateOutcome.UPDATE_OUTCOME_UPDATED);
    };
  }

  private IterationMetrics.Builder plain(int i) {
    return IterationMetrics.newBuilder()
        .setIteration(i)
        .setSamplesCount(500)
        .setMeanReward(0.1 * i)
        .setMeanSpread(0.3)
        .setMeanCost(0.2)
        .setPessimisticCost(0.25)
        .setLambda(1.5)
        .setKlNats(0.01 * i)
        .setMeanCompletionTokens(9)
        .setLearnSeconds(1.5);
  }
}
