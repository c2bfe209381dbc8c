package io.ballast.orchestrator.grpc;

import io.ballast.kit.call.PinnedVersion;
import io.ballast.kit.grpc.Timestamps;
import io.ballast.orchestrator.core.data.ReadSource;
import io.ballast.orchestrator.core.measure.MeasuredReading;
import io.ballast.orchestrator.core.peer.SafetyTestReport;
import io.ballast.orchestrator.core.run.ConstraintReading;
import io.ballast.orchestrator.core.run.RoundsReading;
import io.ballast.orchestrator.core.run.Runs;
import io.ballast.orchestrator.core.run.Spent;
import io.ballast.orchestrator.v1.BadRow;
import io.ballast.orchestrator.v1.ConstraintMetrics;
import io.ballast.orchestrator.v1.ConstraintTest;
import io.ballast.orchestrator.v1.GetRunResponse;
import io.ballast.orchestrator.v1.GoldFailure;
import io.ballast.orchestrator.v1.IterationMetrics;
import io.ballast.orchestrator.v1.LearningMetrics;
import io.ballast.orchestrator.v1.MeasuredCost;
import io.ballast.orchestrator.v1.MeasuredHarm;
import io.ballast.orchestrator.v1.NextTest;
import io.ballast.orchestrator.v1.PromptSource;
import io.ballast.orchestrator.v1.Run;
import io.ballast.orchestrator.v1.RunSpent;
import io.ballast.orchestrator.v1.RunState;
import io.ballast.orchestrator.v1.SamplingRounds;
import io.ballast.orchestrator.v1.UpdateOutcome;
import io.ballast.orchestrator.v1.WatchRunResponse;
import io.ballast.safety.v1.BoundMethod;
import io.ballast.safety.v1.SafetyTest;
import io.ballast.safety.v1.SafetyTestOutcome;
import io.ballast.safety.v1.SafetyTestState;
import java.time.Instant;
import java.util.Optional;

/** Writes the answers of the run API. */
public final class RunMapper {
  private RunMapper() {}

  static Run run(io.ballast.orchestrator.core.run.Run run) {
    io.ballast.orchestrator.core.run.RunProgress progress = run.progress();
    Run.Builder answer =
        Run.newBuilder()
            .setRunId(run.runId())
            .setName(run.name())
            .setState(state(progress.state()))
            .setSpec(run.spec())
            .setTenant(run.tenant())
            .setIterationsDone(progress.iterationsDone())
            .setIterationsCount(run.iterationsCount())
            .setBaseVersion(CallMapper.version(run.base()))
            .setMessage(progress.message())
            .setCreateTime(Timestamps.of(run.createdAt()))
            .setEarlyStopReason(progress.earlyStopReason())
            .addAllAlarms(progress.alarms().stream().map(WatchMapper::alarm).toList())
            .setCandidateIteration(progress.candidateIteration())
            .setCandidateReason(progress.candidateReason());
    io.ballast.orchestrator.core.run.IterationMetrics latest = progress.latest();
    if (latest != null) {
      answer.setLatest(metrics(latest));
    }
    PinnedVersion candidate = progress.candidate();
    if (candidate != null) {
      answer.setCandidateVersion(CallMapper.version(candidate));
    }
    SafetyTestReport test = progress.test();
    if (test != null) {
      answer.setSafetyTest(test(run.runId(), test));
    }
    for (SafetyTestReport each : progress.tests()) {
      answer.addConstraintTests(
          ConstraintTest.newBuilder()
              .setConstraint(each.constraint())
              .setTest(test(run.runId(), each)));
    }
    if (run.state() == io.ballast.orchestrator.core.run.RunState.FAILED) {
      answer.setNextTest(nextTest(progress.nextTest()));
    }
    Instant ended = progress.endedAt();
    if (ended != null) {
      answer.setEndTime(Timestamps.of(ended));
    }
    return answer.build();
  }

  private static NextTest nextTest(io.ballast.orchestrator.core.run.NextTest next) {
    return switch (next) {
      case AS_PLANNED -> NextTest.NEXT_TEST_AS_PLANNED;
      case NEEDS_PROMPTS -> NextTest.NEXT_TEST_NEEDS_PROMPTS;
      case TAKES_PROMPTS -> NextTest.NEXT_TEST_TAKES_PROMPTS;
      case NONE -> NextTest.NEXT_TEST_NONE;
    };
  }

  private static RunState state(io.ballast.orchestrator.core.run.RunState state) {
    return switch (state) {
      case QUEUED -> RunState.RUN_STATE_QUEUED;
      case LEARNING -> RunState.RUN_STATE_LEARNING;
      case TESTING -> RunState.RUN_STATE_TESTING;
      case PAUSED -> RunState.RUN_STATE_PAUSED;
      case PROMOTED -> RunState.RUN_STATE_PROMOTED;
      case HELD -> RunState.RUN_STATE_HELD;
      case NO_SOLUTION_FOUND -> RunState.RUN_STATE_NO_SOLUTION_FOUND;
      case REFUSED -> RunState.RUN_STATE_REFUSED;
      case STOPPED -> RunState.RUN_STATE_STOPPED;
      case FAILED -> RunState.RUN_STATE_FAILED;
      case CANCELLED -> RunState.RUN_STATE_CANCELLED;
    };
  }

  private static LearningMetrics learning(
      io.ballast.orchestrator.core.run.IterationMetrics metrics) {
    var learning = metrics.learning();
    return LearningMetrics.newBuilder()
        .setOutcome(
            switch (learning.outcome()) {
              case UNRECORDED -> UpdateOutcome.UPDATE_OUTCOME_UNSPECIFIED;
              case UPDATED -> UpdateOutcome.UPDATE_OUTCOME_UPDATED;
              case NO_SIGNAL -> UpdateOutcome.UPDATE_OUTCOME_NO_SIGNAL;
              case NOT_FINITE -> UpdateOutcome.UPDATE_OUTCOME_NOT_FINITE;
            })
        .setMessage(learning.message())
        .setTrainedCount(learning.trainedCount())
        .setLearningRate(learning.learningRate())
        .setTrainServeGapMaxNats(learning.trainServeGapMaxNats())
        .putAllObjective(learning.objective())
        .build();
  }

  /** What an iteration did, as it is sent. */
  public static IterationMetrics metrics(
      io.ballast.orchestrator.core.run.IterationMetrics metrics) {
    IterationMetrics.Builder answer =
        IterationMetrics.newBuilder()
            .setIteration(metrics.iteration())
            .setSamplesCount(metrics.samplesCount())
            .setDroppedCount(metrics.droppedCount())
            .setMeanCost(metrics.meanCost())
            .setEntropyNats(metrics.entropyNats())
            .setMeanCompletionTokens(metrics.meanCompletionTokens())
            .setLoss(metrics.loss())
            .setGradientNorm(metrics.gradientNorm())
            .setTrainServeGapNats(metrics.trainServeGapNats())
            .setSampleSeconds(metrics.sampleSeconds())
            .setJudgeSeconds(metrics.judgeSeconds())
            .setLearnSeconds(metrics.learnSeconds())
            .setCommitTime(Timestamps.of(metrics.committedAt()));
    metrics.meanReward().ifPresent(answer::setMeanReward);
    metrics.klNats().ifPresent(answer::setKlNats);
    if (metrics.learning().outcome() != io.ballast.orchestrator.core.run.UpdateOutcome.UNRECORDED) {
      answer.setLearning(learning(metrics));
    }
    metrics.meanSpread().ifPresent(answer::setMeanSpread);
    WatchMapper.put(metrics.watch(), answer);
    EvaluationMapper.put(metrics.evaluation(), answer);
    RoundsReading rounds = metrics.rounds();
    if (rounds != null) {
      answer.setRounds(
          SamplingRounds.newBuilder()
              .setRoundsCount(rounds.roundsCount())
              .setSampledGroupsCount(rounds.sampledGroupsCount())
              .setKeptGroupsCount(rounds.keptGroupsCount()));
    }
    Spent spent = metrics.spent();
    if (spent != null) {
      answer.setSpent(spent(spent));
    }
    metrics.measured().forEach(each -> answer.addMeasured(measured(each)));
    metrics.constraints().forEach(each -> answer.addConstraints(constraint(each)));
    Double pessimistic = metrics.pessimisticCost();
    if (pessimistic != null) {
      answer.setPessimisticCost(pessimistic);
    }
    Double lambda = metrics.lambda();
    if (lambda != null) {
      answer.setLambda(lambda);
    }
    return answer.build();
  }

  private static RunSpent spent(Spent spent) {
    RunSpent.Builder answer =
        RunSpent.newBuilder()
            .setCompletionTokensCount(spent.completionTokens())
            .setSeconds(spent.seconds());
    Double money = spent.money();
    if (money != null) {
      answer.setMoney(money);
    }
    return answer.build();
  }

  private static MeasuredCost measured(MeasuredReading reading) {
    MeasuredCost.Builder answer = MeasuredCost.newBuilder().setName(reading.name());
    return switch (reading) {
      case MeasuredReading.Measured measured ->
          answer
              .setValue(
                  MeasuredHarm.newBuilder()
                      .setMeanHarm(measured.harm())
                      .setHarmStd(measured.harmStd())
                      .setMeanCost(measured.cost())
                      .setScoredCount(measured.scoredCount())
                      .setFailedCount(measured.failedCount()))
              .build();
      case MeasuredReading.Failed failed ->
          answer
              .setFailure(
                  GoldFailure.newBuilder().setReason(failed.reason()).setMessage(failed.message()))
              .build();
    };
  }

  private static ConstraintMetrics constraint(ConstraintReading reading) {
    ConstraintMetrics.Builder answer =
        ConstraintMetrics.newBuilder()
            .setName(reading.name())
            .setMeanCost(reading.meanCost())
            .setLambdaAtCap(reading.atCap());
    Double bound = reading.bound();
    if (bound != null) {
      answer.setBound(bound);
    }
    Double target = reading.target();
    if (target != null) {
      answer.setTarget(target);
    }
    Double lambda = reading.lambda();
    if (lambda != null) {
      answer.setLambda(lambda);
    }
    return answer.build();
  }

  private static SafetyTest test(String runId, SafetyTestReport report) {
    SafetyTest.Builder test =
        SafetyTest.newBuilder()
            .setTestId(report.testId())
            .setState(state(report.state()))
            .setCandidate(CallMapper.version(report.candidate()))
            .setCostModel(CallMapper.version(report.costModel()))
            .setCertificateId(report.certificateId())
            .setFailureMessage(report.failureMessage())
            .setPromptsSha256(report.promptsSha256())
            .setRunId(runId)
            .setJudgedCount(report.judgedCount())
            .setPromptsCount(report.promptsCount())
            .setSealed(report.sealed());
    SafetyTestReport.Outcome outcome = report.outcome();
    if (outcome != null) {
      test.setOutcome(
          SafetyTestOutcome.newBuilder()
              .setN(outcome.n())
              .setMeanCost(outcome.meanCost())
              .setStdCost(outcome.stdCost())
              .setUpperBound(outcome.upperBound())
              .setThreshold(outcome.threshold())
              .setDelta(outcome.delta())
              .setBoundMethod(BoundMethod.valueOf("BOUND_METHOD_" + outcome.boundMethod()))
              .setFailedItemsCount(outcome.failedItemsCount()));
    }
    Instant started = report.startedAt();
    if (started != null) {
      test.setStartTime(Timestamps.of(started));
    }
    Instant ended = report.endedAt();
    if (ended != null) {
      test.setEndTime(Timestamps.of(ended));
    }
    return test.build();
  }

  private static SafetyTestState state(SafetyTestReport.State state) {
    return switch (state) {
      case RUNNING -> SafetyTestState.SAFETY_TEST_STATE_RUNNING;
      case PASSED -> SafetyTestState.SAFETY_TEST_STATE_PASSED;
      case NO_SOLUTION_FOUND -> SafetyTestState.SAFETY_TEST_STATE_NO_SOLUTION_FOUND;
      case FAILED -> SafetyTestState.SAFETY_TEST_STATE_FAILED;
      case ABORTED -> SafetyTestState.SAFETY_TEST_STATE_ABORTED;
    };
  }

  static GetRunResponse detailed(Runs.Detailed detailed) {
    return GetRunResponse.newBuilder()
        .setRun(run(detailed.run()))
        .addAllIterations(detailed.iterations().stream().map(RunMapper::metrics).toList())
        .setWatch(WatchMapper.watch(detailed.watch(), detailed.curve()))
        .addAllPromptSources(detailed.sources().stream().map(RunMapper::source).toList())
        .build();
  }

  private static PromptSource source(ReadSource source) {
    PromptSource.Builder answer =
        PromptSource.newBuilder()
            .setName(source.name())
            .setPromptsCount(source.count())
            .setBadRowsCount(source.badCount());
    source
        .bad()
        .forEach(
            bad ->
                answer.addFirstBadRows(
                    BadRow.newBuilder().setRow(bad.row()).setReason(bad.reason())));
    return answer.build();
  }

  /**
   * What a watcher of a run is told.
   *
   * @param first whether it is told nothing before: the spec, which stays as it is, is told once
   */
  public static WatchRunResponse seen(
      io.ballast.orchestrator.core.run.Run run,
      Optional<io.ballast.orchestrator.core.run.IterationMetrics> iteration,
      boolean first) {
    Run told = run(run);
    WatchRunResponse.Builder seen =
        WatchRunResponse.newBuilder().setRun(first ? told : told.toBuilder().clearSpec().build());
    iteration.ifPresent(metrics -> seen.setIteration(metrics(metrics)));
    return seen.build();
  }
}
