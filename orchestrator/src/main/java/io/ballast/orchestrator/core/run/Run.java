package io.ballast.orchestrator.core.run;

import io.ballast.kit.call.PinnedVersion;
import io.ballast.orchestrator.core.Faults;
import io.ballast.orchestrator.core.learner.WeightsStore;
import io.ballast.orchestrator.core.peer.SafetyTestReport;
import io.ballast.orchestrator.core.spec.WatchAction;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

/**
 * A run as it is stored. Immutable: a transition returns the next one, or refuses by
 * PRECONDITION_FAILED.
 *
 * @param runId a UUID
 * @param tenant whose
 * @param name from the spec
 * @param spec as it was given
 * @param base the version that it started from
 * @param iterationsCount iterations asked for
 * @param createdAt when it was created
 * @param progress what changes
 */
public record Run(
    String runId,
    String tenant,
    String name,
    String spec,
    PinnedVersion base,
    int iterationsCount,
    Instant createdAt,
    RunProgress progress) {
  private static final int SHORT_ID = 8;

  /** Where it stands. */
  public RunState state() {
    return progress.state();
  }

  /** The certificate that the candidate is promoted by; empty unless all its tests have passed. */
  String certificateId() {
    boolean passed =
        progress.tests().stream().allMatch(test -> test.state() == SafetyTestReport.State.PASSED);
    return passed && !progress.tests().isEmpty() ? progress.tests().getFirst().certificateId() : "";
  }

  /** The tests whose certificates must hold beside {@link #certificateId}. */
  List<SafetyTestReport> testsBeside() {
    return progress.tests().stream().skip(1).toList();
  }

  /** Whether there is nothing more to learn. */
  boolean learned() {
    return progress.iterationsDone() >= iterationsCount || !progress.earlyStopReason().isEmpty();
  }

  /** Whether the watch over its rewards ended its learning. */
  boolean stoppedByTheWatch() {
    return progress.alarms().stream().anyMatch(alarm -> alarm.action() == WatchAction.STOP);
  }

  /** What the candidate is called within its model. */
  String candidateVersion() {
    return name + "-" + runId.substring(0, SHORT_ID);
  }

  /** The model that weights are published under while the run learns. */
  String rolloutModel() {
    return base.model() + "-rollout";
  }

  /** What the weights are called that iteration {@code iteration} samples from. */
  String rolloutVersion(int iteration) {
    return runId + "-" + iteration;
  }

  /** How the checkpoints of the run begin. */
  String checkpointPrefix() {
    return WeightsStore.OF_RUNS + runId + "-";
  }

  /** The checkpoint after {@code iteration}. */
  String checkpointName(int iteration) {
    return checkpointPrefix() + iteration;
  }

  private Run with(RunProgress next) {
    return new Run(runId, tenant, name, spec, base, iterationsCount, createdAt, next);
  }

  /** A worker takes it up; all before it may no longer write. */
  Run takenUp() {
    if (!state().active()) {
      throw Faults.precondition("run %s is %s".formatted(runId, state()));
    }
    RunState next = progress.candidate() == null ? RunState.LEARNING : RunState.TESTING;
    return with(progress.fenced(next, progress.fence() + 1));
  }

  /**
   * Returns this run if the worker that took it up with {@code fence} may still write.
   *
   * @throws RunLostException otherwise
   */
  Run heldBy(long fence) {
    if (progress.fence() != fence || !state().active()) {
      throw new RunLostException(runId, state());
    }
    return this;
  }

  /** An iteration became durable; pauses if that was asked for. */
  Run iterated(IterationMetrics metrics, String stopReason) {
    if (metrics.iteration() != progress.iterationsDone() + 1) {
      throw new RunLostException(runId, state());
    }
    return with(progress.iterated(metrics, stopReason)).pausedIfAsked();
  }

  /** There is nothing more to learn from; pauses if that was asked for. */
  Run learnedAll(String reason) {
    return with(progress.stopped(reason)).pausedIfAsked();
  }

  /** There is a candidate, the weights after {@code iteration}; it is tested next. */
  Run withCandidate(PinnedVersion version, int iteration, String reason) {
    return with(progress.withCandidate(version, iteration, reason)).pausedIfAsked();
  }

  /** The safety test has started, or moved on. */
  Run withTest(SafetyTestReport report) {
    List<SafetyTestReport> tests = new ArrayList<>(progress.tests());
    tests.removeIf(each -> each.constraint().equals(report.constraint()));
    tests.add(report);
    return with(progress.withTests(tests));
  }

  /**
   * The safety test told nothing; the next one is another.
   *
   * @param spent whether it has spent its part of δ
   * @param next what the next one takes
   */
  Run testFailed(String reason, boolean spent, NextTest next) {
    return with(progress.withAttempt(spent).failedTest(next, reason));
  }

  /**
   * The safety-server refused to start the safety test: nothing is spent.
   *
   * @param next what the next one takes
   */
  Run testRefused(String reason, NextTest next) {
    return with(progress.failedTest(next, reason));
  }

  /** Pauses if that was asked for. */
  Run pausedIfAsked() {
    return progress.pauseAsked() ? with(progress.in(RunState.PAUSED, "paused by a person")) : this;
  }

  /** A person asks to pause. */
  Run pause() {
    return switch (state()) {
      case QUEUED -> with(progress.in(RunState.PAUSED, "paused by a person"));
      case LEARNING -> with(progress.askedToPause("pauses after the iteration under way"));
      case TESTING ->
          with(progress.askedToPause("pauses after the safety test, before any promotion"));
      case PAUSED -> this;
      case PROMOTED, HELD, NO_SOLUTION_FOUND, REFUSED, STOPPED, CANCELLED ->
          throw Faults.precondition("run %s has ended: %s".formatted(runId, state()));
      case FAILED ->
          throw Faults.precondition(
              "run %s has failed; there is nothing to pause".formatted(runId));
    };
  }

  /** What another safety test takes. */
  NextTest nextTest() {
    return state() == RunState.FAILED ? progress.nextTest() : NextTest.AS_PLANNED;
  }

  /** A person asks to go on. */
  Run resume() {
    return switch (state()) {
      case PAUSED, FAILED -> with(progress.in(RunState.QUEUED, ""));
      case QUEUED, LEARNING, TESTING ->
          progress.pauseAsked() ? with(progress.in(state(), "")) : this;
      case PROMOTED, HELD, NO_SOLUTION_FOUND, REFUSED, STOPPED, CANCELLED ->
          throw Faults.precondition("run %s has ended: %s".formatted(runId, state()));
    };
  }

  /** A person ends it. */
  Run cancel(Instant now) {
    return switch (state()) {
      case CANCELLED -> this;
      case QUEUED, LEARNING, TESTING, PAUSED, FAILED ->
          with(progress.endedIn(RunState.CANCELLED, "cancelled by a person", now));
      case PROMOTED, HELD, NO_SOLUTION_FOUND, REFUSED, STOPPED ->
          throw Faults.precondition("run %s has ended: %s".formatted(runId, state()));
    };
  }

  /** An error stopped it. */
  Run failed(String reason) {
    return with(progress.in(RunState.FAILED, reason));
  }

  /** It has ended. */
  Run ended(RunState how, String reason, Instant now) {
    return with(progress.endedIn(how, reason, now));
  }
}
