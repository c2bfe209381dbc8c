package io.ballast.safety.adapter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.Duration;
import com.google.protobuf.Timestamp;
import io.ballast.inference.api.PerToken;
import io.ballast.inference.api.StopReason;
import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.policy.v1.Accepted;
import io.ballast.policy.v1.Completion;
import io.ballast.policy.v1.Decision;
import io.ballast.policy.v1.DecisionReason;
import io.ballast.policy.v1.DecisionRecord;
import io.ballast.policy.v1.FeedbackEvent;
import io.ballast.policy.v1.FeedbackServiceGrpc;
import io.ballast.policy.v1.StreamDecisionsRequest;
import io.ballast.policy.v1.StreamDecisionsResponse;
import io.ballast.policy.v1.SuggestResponse;
import io.ballast.policy.v1.SuggestionCost;
import io.ballast.policy.v1.SuggestionRecord;
import io.ballast.policy.v1.SuggestionReward;
import io.ballast.safety.core.gate.GateHistory;
import io.ballast.safety.core.gate.GateScores;
import io.ballast.safety.core.gatefit.LoggedSuggestion;
import io.ballast.safety.core.gatefit.UnusableLogException;
import io.ballast.safety.v1.GateOutcome;
import io.ballast.safety.v1.GateStageAnswer;
import io.ballast.safety.v1.PastOutcome;
import io.ballast.safety.v1.PastOutcomeKind;
import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.inprocess.InProcessChannelBuilder;
import io.grpc.inprocess.InProcessServerBuilder;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;

/**
 * Decisions come as the policy-server has recorded them: with what was known, and what came of it.
 */
class GrpcDecisionLogTest {
  private static final Instant TIME = Instant.parse("2026-05-01T10:00:00.5Z");

  @Test
  void whatWasShownAndWhatWasNotAreRead() throws IOException, UnusableLogException {
    List<StreamDecisionsRequest> asked = new ArrayList<>();
    String name = InProcessServerBuilder.generateName();
    Server server =
        InProcessServerBuilder.forName(name)
            .directExecutor()
            .addService(
                new FeedbackServiceGrpc.FeedbackServiceImplBase() {
                  @Override
                  public void streamDecisions(
                      StreamDecisionsRequest request,
                      StreamObserver<StreamDecisionsResponse> observer) {
                    asked.add(request);
                    observer.onNext(
                        StreamDecisionsResponse.newBuilder().setRecord(shown()).build());
                    observer.onNext(
                        StreamDecisionsResponse.newBuilder().setRecord(withheld()).build());
                    observer.onCompleted();
                  }
                })
            .build()
            .start();
    ManagedChannel channel = InProcessChannelBuilder.forName(name).directExecutor().build();
    List<LoggedSuggestion> log = new ArrayList<>();
    try {
      new GrpcDecisionLog(channel)
          .read(
              RequestMetadata.newBuilder().setTenant("acme").build(),
              Optional.of(TIME),
              true,
              log::add);
    } finally {
      channel.shutdownNow();
      server.shutdownNow();
    }

    assertThat(asked.getFirst().getMetadata().getTenant()).isEqualTo("acme");
    assertThat(asked.getFirst().getAllTenants()).isTrue();
    assertThat(asked.getFirst().getSinceTime().getNanos()).isEqualTo(500_000_000);
    LoggedSuggestion shown = log.getFirst();
    assertThat(shown.isExample()).isTrue();
    assertThat(shown.kept()).contains(true);
    assertThat(shown.user()).isEqualTo("u1");
    assertThat(shown.context().prompt()).isEqualTo("int a ");
    assertThat(shown.context().history())
        .contains(
            new GateHistory(
                List.of(new GateHistory.Past(GateHistory.Kind.EDITED, OptionalDouble.of(7))),
                2,
                3,
                OptionalInt.of(11)));
    assertThat(withheld(log).context().history()).isEmpty();
    assertThat(shown.suggestion().orElseThrow().logProbs()).isEqualTo(PerToken.of(-0.5f, -1f));
    assertThat(shown.suggestion().orElseThrow().stopReason()).contains(StopReason.STOP_STRING);
    assertThat(shown.suggestion().orElseThrow().scores())
        .isEqualTo(
            new GateScores(
                OptionalDouble.of(1.5), OptionalDouble.of(0.25), OptionalDouble.of(0.125)));
    assertThat(shown.propensity()).isEqualTo(0.02);
    assertThat(shown.decided()).isEqualTo(TIME);
    assertThat(shown.said().stageOne()).hasValue(0.375);
    assertThat(shown.said().stageOneWithholds()).isTrue();
    assertThat(shown.said().stageTwo()).isEmpty();
    assertThat(shown.said().gating()).isEqualTo(LoggedSuggestion.Gating.ENFORCED);
    LoggedSuggestion withheld = withheld(log);
    assertThat(withheld.shown()).isFalse();
    assertThat(withheld.isExample()).isFalse();
    assertThat(withheld.suggestion()).isEmpty();
    assertThat(withheld.kept()).isEmpty();
  }

  @Test
  void aDecisionOfUnknownProbabilityIsRefused() {
    DecisionRecord unknown =
        DecisionRecord.newBuilder()
            .setSuggestion(
                SuggestionRecord.newBuilder()
                    .setResponse(SuggestResponse.newBuilder().setSuggestionId("s1")))
            .build();

    assertThatThrownBy(() -> GrpcDecisionLog.decision(unknown))
        .isInstanceOf(UnusableLogException.class)
        .hasMessage("suggestion s1: propensity: 0.0 (expected: above 0, at most 1)");
  }

  @Test
  void onlyAGateThatDecidedWasEnforced() throws UnusableLogException {
    assertThat(gating(DecisionReason.DECISION_REASON_GATE_NOT_ENFORCED))
        .isEqualTo(LoggedSuggestion.Gating.NOT_ENFORCED);
    assertThat(gating(DecisionReason.DECISION_REASON_COST_OVER_THRESHOLD))
        .isEqualTo(LoggedSuggestion.Gating.NOT_ENFORCED);
    assertThat(gating(DecisionReason.DECISION_REASON_LIKELY_ACCEPTED))
        .isEqualTo(LoggedSuggestion.Gating.ENFORCED);
    assertThat(gating(DecisionReason.DECISION_REASON_UNSPECIFIED))
        .isEqualTo(LoggedSuggestion.Gating.UNKNOWN);
  }

  @Test
  void whatStageOneLetThroughIsNotFreeOfTheGateWhereStageTwoWasAway() throws UnusableLogException {
    SuggestResponse.Builder away =
        SuggestResponse.newBuilder()
            .setDecision(Decision.DECISION_SHOW)
            .setReason(DecisionReason.DECISION_REASON_GATE_UNAVAILABLE)
            .setPropensity(1);
    assertThat(gating(away)).isEqualTo(LoggedSuggestion.Gating.NOT_ENFORCED);
    away.setStageOne(
        GateStageAnswer.newBuilder()
            .setOutcome(GateOutcome.GATE_OUTCOME_REFER)
            .setAcceptProbability(0.5));
    assertThat(gating(away)).isEqualTo(LoggedSuggestion.Gating.ENFORCED);
  }

  private static LoggedSuggestion.Gating gating(DecisionReason reason) throws UnusableLogException {
    return gating(SuggestResponse.newBuilder().setReason(reason).setPropensity(1));
  }

  private static LoggedSuggestion.Gating gating(SuggestResponse.Builder response)
      throws UnusableLogException {
    return GrpcDecisionLog.decision(
            DecisionRecord.newBuilder()
                .setSuggestion(SuggestionRecord.newBuilder().setResponse(response))
                .build())
        .said()
        .gating();
  }

  private static LoggedSuggestion withheld(List<LoggedSuggestion> log) {
    return log.getLast();
  }

  private static DecisionRecord shown() {
    return DecisionRecord.newBuilder()
        .setSuggestion(
            SuggestionRecord.newBuilder()
                .setTenant("acme")
                .setUser("u1")
                .setPrompt("int a ")
                .setHistory(
                    io.ballast.safety.v1.GateHistory.newBuilder()
                        .addOutcomes(
                            PastOutcome.newBuilder()
                                .setKind(PastOutcomeKind.PAST_OUTCOME_KIND_EDITED)
                                .setAge(Duration.newBuilder().setSeconds(7)))
                        .setAcceptedCount(2)
                        .setAnsweredCount(3)
                        .setPreviousSuggestionCharacters(11))
                .setDecisionTime(
                    Timestamp.newBuilder()
                        .setSeconds(TIME.getEpochSecond())
                        .setNanos(TIME.getNano()))
                .setCompletion(
                    Completion.newBuilder().setText("= 1;").addLogProbs(-0.5f).addLogProbs(-1f))
                .setResponse(
                    SuggestResponse.newBuilder()
                        .setDecision(Decision.DECISION_SHOW)
                        .setText("= 1;")
                        .setReason(DecisionReason.DECISION_REASON_EXPLORED)
                        .setPropensity(0.02)
                        .setStopReason(io.ballast.mesh.v1.StopReason.STOP_REASON_STOP_STRING)
                        .setStageOne(
                            GateStageAnswer.newBuilder()
                                .setOutcome(GateOutcome.GATE_OUTCOME_EXPLORE)
                                .setAcceptProbability(0.375))
                        .setReward(SuggestionReward.newBuilder().setValue(1.5).setSpread(0.25))
                        .setCost(SuggestionCost.newBuilder().setHarmProbability(0.125))))
        .setOutcome(FeedbackEvent.newBuilder().setAccepted(Accepted.getDefaultInstance()))
        .build();
  }

  private static DecisionRecord withheld() {
    return DecisionRecord.newBuilder()
        .setSuggestion(
            SuggestionRecord.newBuilder()
                .setTenant("acme")
                .setUser("u1")
                .setPrompt("throw ")
                .setResponse(
                    SuggestResponse.newBuilder()
                        .setDecision(Decision.DECISION_WITHHOLD)
                        .setPropensity(0.98)
                        .setStageOne(
                            GateStageAnswer.newBuilder()
                                .setOutcome(GateOutcome.GATE_OUTCOME_WITHHOLD)
                                .setAcceptProbability(0.125))))
        .build();
  }
}
