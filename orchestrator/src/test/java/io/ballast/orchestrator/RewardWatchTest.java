package io.ballast.orchestrator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.ballast.orchestrator.testing.TinyModel;
import io.ballast.orchestrator.v1.PauseRunRequest;
import io.ballast.orchestrator.v1.PromoteCandidateRequest;
import io.ballast.orchestrator.v1.ResumeRunRequest;
import io.ballast.orchestrator.v1.Run;
import io.ballast.orchestrator.v1.RunAlarm;
import io.ballast.orchestrator.v1.RunAlarmKind;
import io.ballast.orchestrator.v1.RunState;
import io.ballast.orchestrator.v1.WatchRunRequest;
import io.ballast.orchestrator.v1.WatchRunResponse;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.util.Iterator;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What comes of a run whose members come apart, by what its watch is to do. */
class RewardWatchTest extends RewardWatchCase {
  @Test
  void aSpreadThatGrewEndsLearningAndTheCandidateIsTheLastThatWasGood() {
    comeApartAfter(3);

    Run run =
        mesh.awaitEnd(
            mesh.create(spec("{max_spread_growth: 1.5, patience: 2, action: STOP}")).getRunId());

    assertThat(run.getState()).isEqualTo(RunState.RUN_STATE_PROMOTED);
    assertThat(run.getEarlyStopReason())
        .isEqualTo("spread 0.80 over 0.30 in iteration 5; back to the weights after iteration 2");
    assertThat(run.getIterationsDone()).isEqualTo(5);
    assertThat(run.getCandidateIteration()).isEqualTo(2);
    // what iteration 3 sampled from is what iteration 2 left
    assertThat(run.getCandidateVersion().getWeightsSha256())
        .isEqualTo(mesh.policy.weights("tiny-rollout", run.getRunId() + "-3"))
        .isNotEqualTo(mesh.policy.weights("tiny-rollout", run.getRunId() + "-5"));
    assertThat(run.getAlarmsList())
        .singleElement()
        .satisfies(
            alarm -> {
              assertThat(alarm.getIteration()).isEqualTo(5);
              assertThat(alarm.getKind()).isEqualTo(RunAlarmKind.RUN_ALARM_KIND_SPREAD_GREW);
              assertThat(alarm.getObserved()).isCloseTo(0.8, within(1e-12));
              assertThat(alarm.getLimit()).isCloseTo(0.3, within(1e-12));
              assertThat(alarm.getAction())
                  .isEqualTo(io.ballast.orchestrator.v1.WatchAction.WATCH_ACTION_STOP);
            });
  }

  @Test
  void aRunOfWhichOnlyTheBaseWasGoodEndsWithoutACandidate() {
    comeApartAfter(1);

    Run run =
        mesh.awaitEnd(
            mesh.create(spec("{max_spread_growth: 1.5, patience: 1, action: STOP}")).getRunId());

    assertThat(run.getState()).isEqualTo(RunState.RUN_STATE_STOPPED);
    assertThat(run.getMessage())
        .isEqualTo("spread 0.80 over 0.30 in iteration 2; only the base was within the limits");
    assertThat(run.hasCandidateVersion()).isFalse();
    assertThat(run.hasEndTime()).isTrue();
    assertThat(mesh.safety.tests).isEmpty();
    assertThat(mesh.policy.serving).isEqualTo(TinyModel.VERSION);
    assertThatThrownBy(
            () ->
                mesh.runs()
                    .resumeRun(ResumeRunRequest.newBuilder().setRunId(run.getRunId()).build()))
        .satisfies(thrown -> refused(thrown, "has ended: STOPPED"));
  }

  @Test
  void aRefusedPromotionWaitsForAPersonWhoAcceptsTheAlarm() {
    comeApartAfter(2);

    Run held =
        mesh.awaitEnd(
            mesh.create(spec("{max_spread_growth: 1.5, patience: 2, action: REFUSE_PROMOTION}"))
                .getRunId());

    assertThat(held.getState()).isEqualTo(RunState.RUN_STATE_HELD);
    assertThat(held.getIterationsDone()).as("it learns to its end").isEqualTo(6);
    assertThat(held.getCandidateIteration()).isEqualTo(6);
    assertThat(held.getMessage())
        .startsWith(
            "passed; its rewards cannot be believed: spread 0.80 over 0.30 in iteration 4; ");
    assertThat(mesh.policy.promotions).isEmpty();
    assertThatThrownBy(() -> promote(held.getRunId(), false))
        .satisfies(
            thrown -> refused(thrown, "spread 0.80 over 0.30 in iteration 4; accept_alarms"));
    assertThat(promote(held.getRunId(), true).getState()).isEqualTo(RunState.RUN_STATE_PROMOTED);
    assertThat(mesh.policy.serving).isEqualTo(held.getCandidateVersion().getVersion());
  }

  private Run promote(String runId, boolean acceptAlarms) {
    return mesh.runs()
        .promoteCandidate(
            PromoteCandidateRequest.newBuilder()
                .setRunId(runId)
                .setAcceptAlarms(acceptAlarms)
                .build())
        .getRun();
  }

  @Test
  void anAlarmThatIsRecordedChangesNothingIsSeenByWatchersAndCountedOnce() {
    comeApartAfter(2);

    String runId = mesh.create(spec("{max_spread_growth: 1.5, patience: 2}")).getRunId();
    List<WatchRunResponse> seen = mesh.watchToTheEnd(runId);

    assertThat(seen.getLast().getRun().getState()).isEqualTo(RunState.RUN_STATE_PROMOTED);
    assertThat(
            seen.stream()
                .filter(WatchRunResponse::hasIteration)
                .map(each -> each.getIteration().getAlarmsCount()))
        .containsExactly(0, 0, 0, 1, 1, 1);
    assertThat(seen.getLast().getRun().getAlarmsList())
        .as("the first of its kind")
        .extracting(RunAlarm::getIteration)
        .containsExactly(4);
    assertThat(
            mesh.meters
                .counter("ballast.run.alarms", "kind", "SPREAD_GREW", "action", "RECORD")
                .count())
        .isEqualTo(1);
  }

  @Test
  void whatTheWatchRemembersOutlivesAPauseAndAStop() throws InterruptedException {
    comeApartAfter(1); // iterations 2 and 3 are over, and 4, after the stop, is the third in a row
    String runId =
        mesh.createUpTo(3, spec("{max_spread_growth: 1.5, patience: 3, action: REFUSE_PROMOTION}"));
    var paused =
        mesh.runs().pauseRun(PauseRunRequest.newBuilder().setRunId(runId).build()).getRun();
    mesh.policy.samplePermits.release(1);
    awaitPaused(runId);
    mesh.close();

    mesh = mesh.startAgain();
    mesh.letSample();
    var resumed = mesh.runs().resumeRun(ResumeRunRequest.newBuilder().setRunId(runId).build());
    Run run = mesh.awaitEnd(runId);

    assertThat(paused.getAlarmsList()).isEmpty();
    assertThat(run.getState()).isEqualTo(RunState.RUN_STATE_HELD);
    assertThat(run.getAlarmsList()).extracting(RunAlarm::getIteration).containsExactly(4);
    assertThat(resumed.hasRun()).isTrue();
  }

  private void awaitPaused(String runId) {
    Iterator<WatchRunResponse> stream =
        mesh.runs().watchRun(WatchRunRequest.newBuilder().setRunId(runId).build());
    while (stream.hasNext()) {
      if (stream.next().getRun().getState() == RunState.RUN_STATE_PAUSED) {
        return;
      }
    }
    throw new AssertionError("never paused: " + runId);
  }

  private static void refused(Throwable thrown, String message) {
    assertThat(thrown).isInstanceOf(StatusRuntimeException.class);
    Status status = ((StatusRuntimeException) thrown).getStatus();
    assertThat(status.getCode()).isEqualTo(Status.Code.FAILED_PRECONDITION);
    assertThat(status.getDescription()).contains(message);
  }
}
