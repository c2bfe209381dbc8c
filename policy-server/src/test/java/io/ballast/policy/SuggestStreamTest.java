package io.ballast.policy;

import static io.ballast.policy.testing.FakeSafetyServer.answer;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.common.util.concurrent.ListenableFuture;
import io.ballast.policy.testing.FakeDecoder;
import io.ballast.policy.v1.Decision;
import io.ballast.policy.v1.Degradation;
import io.ballast.policy.v1.SuggestRequest;
import io.ballast.policy.v1.SuggestResponse;
import io.ballast.policy.v1.SuggestStreamRequest;
import io.ballast.policy.v1.SuggestStreamResponse;
import io.ballast.safety.v1.GateOutcome;
import io.grpc.Context;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.micrometer.core.instrument.Counter;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.Timeout.ThreadMode;

/** A stream sends text as it comes; a caller who leaves stops the work, and nothing is recorded. */
class SuggestStreamTest extends SuggestCase {
  @Test
  void aCallerWhoLeavesStopsTheDecodeLoopAndNothingIsRecorded() throws InterruptedException {
    ListenableFuture<SuggestResponse> call =
        mesh.policyAsync().suggest(request().setPrompt(FakeDecoder.ENDLESS).build());
    FakeDecoder decoder = models.decoder("1");
    assertThat(decoder.endlessStarted.await(20, TimeUnit.SECONDS)).isTrue();

    call.cancel(true);

    assertThat(decoder.endlessCancelled.await(20, TimeUnit.SECONDS)).isTrue();
    assertThat(storedSuggestions()).isZero();
  }

  @Test
  void aCallerWhoLeavesAStreamStopsTheDecodeLoopAndNothingIsRecorded() throws Exception {
    Context.CancellableContext caller = Context.current().withCancellation();
    Iterator<SuggestStreamResponse> stream =
        caller.call(
            () ->
                mesh.policy()
                    .suggestStream(
                        SuggestStreamRequest.newBuilder()
                            .setRequest(request().setPrompt(FakeDecoder.ENDLESS))
                            .build()));
    FakeDecoder decoder = models.decoder("1");
    assertThat(decoder.endlessStarted.await(20, TimeUnit.SECONDS)).isTrue();

    caller.cancel(null);

    assertThat(decoder.endlessCancelled.await(20, TimeUnit.SECONDS)).isTrue();
    assertThatThrownBy(() -> stream.forEachRemaining(event -> {}))
        .isInstanceOfSatisfying(
            StatusRuntimeException.class,
            e -> assertThat(e.getStatus().getCode()).isEqualTo(Status.Code.CANCELLED));
    assertThat(storedSuggestions()).isZero();
  }

  @Test
  @Timeout(value = 60, threadMode = ThreadMode.SEPARATE_THREAD)
  void aCallerWhoLeavesWhileTextIsSentIsCounted() throws Exception {
    Context.CancellableContext caller = Context.current().withCancellation();
    Iterator<SuggestStreamResponse> stream =
        caller.call(
            () ->
                mesh.policy()
                    .suggestStream(
                        SuggestStreamRequest.newBuilder().setRequest(request()).build()));
    // what comes next waits for a reader
    assertThat(stream.next().getTextDelta()).isNotEmpty();

    caller.cancel(null);

    Counter abandoned = mesh.meters.get("ballast.policy.suggestions.abandoned").counter();
    while (abandoned.count() == 0) {
      Thread.onSpinWait();
    }
    assertThat(abandoned.count()).isEqualTo(1);
    assertThat(storedSuggestions()).isZero();
  }

  @Test
  void aDeadlineThatIsTooShortStopsTheDecodeLoopToo() throws InterruptedException {
    FakeDecoder decoder = models.decoder("1");
    // on a busy machine it may pass before the loop has begun
    for (int millis = 300; decoder.requests.isEmpty(); millis *= 2) {
      assertLate(millis);
    }

    assertThat(decoder.endlessCancelled.await(20, TimeUnit.SECONDS)).isTrue();
    assertThat(storedSuggestions()).isZero();
  }

  private void assertLate(int millis) {
    assertThatThrownBy(
            () ->
                mesh.policy()
                    .withDeadlineAfter(millis, TimeUnit.MILLISECONDS)
                    .suggest(request().setPrompt(FakeDecoder.ENDLESS).build()))
        .isInstanceOfSatisfying(
            StatusRuntimeException.class,
            e -> assertThat(e.getStatus().getCode()).isEqualTo(Status.Code.DEADLINE_EXCEEDED));
  }

  @Test
  void aStreamSendsTheTextAsItComesAndThenTheSameAnswer() {
    List<SuggestStreamResponse> events = stream(request());

    StringBuilder text = new StringBuilder();
    events.subList(0, events.size() - 1).forEach(event -> text.append(event.getTextDelta()));
    SuggestResponse finished = events.getLast().getFinished();
    assertThat(text).hasToString("suggestion by 1;");
    assertThat(finished.getText()).isEqualTo("suggestion by 1;");
    assertThat(finished.getDecision()).isEqualTo(Decision.DECISION_SHOW);
    assertThat(recordOf(finished).getPrompt()).isEqualTo(PROMPT);
  }

  @Test
  void aStreamEndsByTakingBackWhatStageTwoWithholds() {
    mesh.safety.stageTwo = answer(GateOutcome.GATE_OUTCOME_WITHHOLD, 0.1, 1);

    SuggestResponse finished = stream(request()).getLast().getFinished();

    assertThat(finished.getDecision()).isEqualTo(Decision.DECISION_WITHHOLD);
    assertThat(finished.getText()).isEmpty();
  }

  @Test
  void aStreamEndsBySayingWhatIsMissing() {
    mesh.rewards.late = completion -> true;
    mesh.safety.late = completion -> true;

    SuggestResponse finished =
        stream(request().setWithReward(true).setWithCost(true)).getLast().getFinished();

    assertThat(finished.getDecision()).isEqualTo(Decision.DECISION_BLOCK);
    assertThat(finished.getText()).isEmpty();
    assertThat(finished.getDegradationsList())
        .extracting(Degradation::getPeer)
        .containsExactly("reward-server", "safety-server");
  }

  @Test
  void aStreamOfSeveralCandidatesHasOnlyTheAnswer() {
    assertThat(stream(request().setCandidatesCount(2))).hasSize(1);
  }

  private List<SuggestStreamResponse> stream(SuggestRequest.Builder request) {
    List<SuggestStreamResponse> events = new ArrayList<>();
    mesh.policy()
        .suggestStream(SuggestStreamRequest.newBuilder().setRequest(request).build())
        .forEachRemaining(events::add);
    return events;
  }

  private int storedSuggestions() {
    return mesh.database
        .jdbi()
        .withHandle(
            handle ->
                handle.createQuery("select count(*) from suggestion").mapTo(Integer.class).one());
  }
}
