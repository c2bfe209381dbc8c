package io.ballast.standalone.demo.mesh;

import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.orchestrator.v1.CreateRunRequest;
import io.ballast.orchestrator.v1.IterationMetrics;
import io.ballast.orchestrator.v1.Run;
import io.ballast.orchestrator.v1.RunServiceGrpc;
import io.ballast.orchestrator.v1.RunState;
import io.ballast.orchestrator.v1.WatchRunRequest;
import io.ballast.orchestrator.v1.WatchRunResponse;
import io.ballast.safety.v1.ListSafetyTestsRequest;
import io.ballast.safety.v1.SafetyServiceGrpc;
import io.ballast.safety.v1.SafetyTest;
import io.ballast.safety.v1.SafetyTestOutcome;
import io.ballast.safety.v1.SafetyTestState;
import io.grpc.Channel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/** Creates runs and follows them to their end. */
public final class RunWatch {
  private static final long SECONDS = 60;
  private static final Duration LOOK_AT_TEST_EVERY = Duration.ofMillis(500);

  private final Channel channel;
  private final RequestMetadata metadata;

  RunWatch(Channel channel, RequestMetadata metadata) {
    this.channel = channel;
    this.metadata = metadata;
  }

  /**
   * Creates a run, which starts by itself.
   *
   * @param key the same key creates one run
   * @return its id
   */
  public String create(String spec, String key) {
    return RunServiceGrpc.newBlockingStub(channel)
        .withDeadlineAfter(SECONDS, TimeUnit.SECONDS)
        .createRun(
            CreateRunRequest.newBuilder()
                .setMetadata(metadata.toBuilder().setIdempotencyKey(key))
                .setSpec(spec)
                .build())
        .getRun()
        .getRunId();
  }

  /**
   * Follows a run until it has ended; a stream that breaks is taken up again where it broke.
   *
   * @throws RunEndedException if it failed, or somebody cancelled it
   * @throws StatusRuntimeException if the mesh is gone
   */
  public RunOutcome follow(RunName name, String runId, RunListener listener) {
    Following following = new Following(name, runId, listener);
    try (ScheduledExecutorService looks =
        Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().daemon().name("safety-test-progress").factory())) {
      try {
        return following.toTheEnd(looks);
      } finally {
        looks.shutdownNow();
      }
    }
  }

  /** One run being followed. Events come on the caller's thread, test progress on another. */
  private final class Following {
    private static final int MOST_BREAKS = 5;

    private final RunName name;
    private final String runId;
    private final RunListener listener;
    private final List<Iteration> iterations = new ArrayList<>();
    private RunState state = RunState.RUN_STATE_UNSPECIFIED;

    Following(RunName name, String runId, RunListener listener) {
      this.name = name;
      this.runId = runId;
      this.listener = listener;
    }

    RunOutcome toTheEnd(ScheduledExecutorService looks) {
      int breaks = 0;
      while (true) {
        try {
          Iterator<WatchRunResponse> events =
              RunServiceGrpc.newBlockingStub(channel)
                  .watchRun(
                      WatchRunRequest.newBuilder()
                          .setMetadata(metadata)
                          .setRunId(runId)
                          .setAfterIteration(iterations.size())
                          .build());
          while (events.hasNext()) {
            Optional<RunOutcome> outcome = take(events.next(), looks);
            if (outcome.isPresent()) {
              return outcome.get();
            }
          }
          throw new RunEndedException("run %s: the stream ended before the run".formatted(runId));
        } catch (StatusRuntimeException e) {
          breaks++;
          if (e.getStatus().getCode() != Status.Code.UNAVAILABLE || breaks > MOST_BREAKS) {
            throw e;
          }
        }
      }
    }

    private Optional<RunOutcome> take(WatchRunResponse event, ScheduledExecutorService looks) {
      Run run = event.getRun();
      if (run.getState() != state) {
        state = run.getState();
        listener.entered(name, words(state));
        if (state == RunState.RUN_STATE_TESTING) {
          var unused =
              looks.scheduleWithFixedDelay(
                  this::lookAtTest, 0, LOOK_AT_TEST_EVERY.toMillis(), TimeUnit.MILLISECONDS);
        }
      }
      if (event.hasIteration() && event.getIteration().getIteration() > iterations.size()) {
        Iteration iteration = iteration(event.getIteration());
        iterations.add(iteration);
        listener.iterated(name, iteration, run.getIterationsCount());
      }
      return outcome(run);
    }

    private void lookAtTest() {
      try {
        SafetyServiceGrpc.newBlockingStub(channel)
            .withDeadlineAfter(SECONDS, TimeUnit.SECONDS)
            .listSafetyTests(
                ListSafetyTestsRequest.newBuilder()
                    .setMetadata(metadata)
                    .setRunId(runId)
                    .setPageSize(1)
                    .build())
            .getTestsList()
            .stream()
            .filter(test -> test.getState() == SafetyTestState.SAFETY_TEST_STATE_RUNNING)
            .forEach(test -> listener.tested(name, test.getJudgedCount(), test.getPromptsCount()));
      } catch (StatusRuntimeException e) {
        if (e.getStatus().getCode() != Status.Code.CANCELLED) { // by the run's end
          listener.entered(name, "safety test out of sight: " + e.getStatus().getCode());
        }
      }
    }

    private Optional<RunOutcome> outcome(Run run) {
      Optional<Decision> decision = decision(run);
      if (decision.isEmpty()) {
        return Optional.empty();
      }
      SafetyTest test = run.getSafetyTest();
      return Optional.of(
          new RunOutcome(
              name,
              runId,
              decision.get(),
              run.getCandidateVersion().getVersion(),
              run.getCandidateVersion().getWeightsSha256(),
              test.hasOutcome() ? Optional.of(numbers(test)) : Optional.empty(),
              test.getCertificateId(),
              run.getEarlyStopReason(),
              run.getMessage(),
              iterations));
    }
  }

  /** Returns what became of the candidate; nothing while the run goes on. */
  static Optional<Decision> decision(Run run) {
    return switch (run.getState()) {
      case RUN_STATE_PROMOTED -> Optional.of(Decision.PROMOTED);
      case RUN_STATE_NO_SOLUTION_FOUND -> Optional.of(Decision.NO_SOLUTION_FOUND);
      case RUN_STATE_REFUSED, RUN_STATE_HELD -> Optional.of(Decision.REFUSED);
      case RUN_STATE_STOPPED, RUN_STATE_FAILED, RUN_STATE_CANCELLED ->
          throw new RunEndedException(
              "run %s (%s): %s%s"
                  .formatted(
                      run.getName(),
                      run.getRunId(),
                      words(run.getState()),
                      run.getMessage().isEmpty() ? "" : ": " + run.getMessage()));
      case RUN_STATE_UNSPECIFIED,
          RUN_STATE_QUEUED,
          RUN_STATE_LEARNING,
          RUN_STATE_TESTING,
          RUN_STATE_PAUSED,
          UNRECOGNIZED ->
          Optional.empty();
    };
  }

  private static Iteration iteration(IterationMetrics metrics) {
    return new Iteration(
        metrics.getIteration(),
        metrics.getMeanReward(),
        metrics.hasMeanSpread()
            ? OptionalDouble.of(metrics.getMeanSpread())
            : OptionalDouble.empty(),
        metrics.getMeanCost(),
        metrics.hasLambda() ? OptionalDouble.of(metrics.getLambda()) : OptionalDouble.empty(),
        metrics.hasKlNats() ? OptionalDouble.of(metrics.getKlNats()) : OptionalDouble.empty(),
        metrics.getEntropyNats(),
        metrics.getDroppedCount(),
        metrics.getSampleSeconds() + metrics.getJudgeSeconds() + metrics.getLearnSeconds());
  }

  private static TestNumbers numbers(SafetyTest test) {
    SafetyTestOutcome outcome = test.getOutcome();
    return new TestNumbers(
        outcome.getMeanCost(),
        outcome.getStdCost(),
        outcome.getUpperBound(),
        outcome.getThreshold(),
        outcome.getDelta(),
        outcome.getN(),
        outcome.getFailedItemsCount(),
        test.getCostModel().getModel() + "/" + test.getCostModel().getVersion());
  }

  private static String words(RunState state) {
    return switch (state) {
      case RUN_STATE_QUEUED -> "waiting for its turn";
      case RUN_STATE_LEARNING -> "learning";
      case RUN_STATE_TESTING -> "safety test";
      case RUN_STATE_PAUSED -> "paused";
      case RUN_STATE_PROMOTED -> "promoted";
      case RUN_STATE_HELD -> "passed, and held: its spec promotes nothing";
      case RUN_STATE_NO_SOLUTION_FOUND -> "No Solution Found";
      case RUN_STATE_REFUSED -> "passed, and refused";
      case RUN_STATE_STOPPED -> "stopped without a candidate";
      case RUN_STATE_FAILED -> "failed";
      case RUN_STATE_CANCELLED -> "cancelled";
      case RUN_STATE_UNSPECIFIED, UNRECOGNIZED -> "unknown";
    };
  }
}
