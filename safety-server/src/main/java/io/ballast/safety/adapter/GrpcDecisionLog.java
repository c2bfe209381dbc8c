package io.ballast.safety.adapter;

import io.ballast.inference.api.PerToken;
import io.ballast.inference.api.StopReason;
import io.ballast.kit.grpc.Timestamps;
import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.policy.v1.Decision;
import io.ballast.policy.v1.DecisionRecord;
import io.ballast.policy.v1.FeedbackEvent;
import io.ballast.policy.v1.FeedbackServiceGrpc;
import io.ballast.policy.v1.FeedbackServiceGrpc.FeedbackServiceBlockingStub;
import io.ballast.policy.v1.StreamDecisionsRequest;
import io.ballast.policy.v1.StreamDecisionsResponse;
import io.ballast.policy.v1.SuggestResponse;
import io.ballast.policy.v1.SuggestionRecord;
import io.ballast.safety.core.gate.GateContext;
import io.ballast.safety.core.gate.GateHistory;
import io.ballast.safety.core.gate.GateScores;
import io.ballast.safety.core.gate.GateSuggestion;
import io.ballast.safety.core.gatefit.LoggedSuggestion;
import io.ballast.safety.core.gatefit.LoggedSuggestion.Gating;
import io.ballast.safety.core.gatefit.UnusableLogException;
import io.ballast.safety.v1.GateOutcome;
import io.ballast.safety.v1.GateStageAnswer;
import io.grpc.Channel;
import java.time.Duration;
import java.time.Instant;
import java.util.Iterator;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.function.Consumer;

/** The decisions that a policy-server has recorded, with what came of them. */
public final class GrpcDecisionLog {
  private final Channel policyServer;
  private final Optional<Duration> longest;

  /** A log that is read however long it takes. */
  public GrpcDecisionLog(Channel policyServer) {
    this(policyServer, Optional.empty());
  }

  /**
   * @param longest how long it may take to read
   */
  GrpcDecisionLog(Channel policyServer, Optional<Duration> longest) {
    this.policyServer = policyServer;
    this.longest = longest;
  }

  /**
   * Hands every decision there is to {@code sink}, the oldest first.
   *
   * @param metadata who asks
   * @param since only what was decided at this time or later; empty: all
   * @param allTenants whether those for all tenants are meant
   * @throws io.grpc.StatusRuntimeException if the server cannot be asked, or refuses
   * @throws UnusableLogException if a record has no propensity, naming it
   */
  public void read(
      RequestMetadata metadata,
      Optional<Instant> since,
      boolean allTenants,
      Consumer<LoggedSuggestion> sink)
      throws UnusableLogException {
    Iterator<StreamDecisionsResponse> decisions = records(metadata, since, allTenants);
    while (decisions.hasNext()) {
      sink.accept(decision(decisions.next().getRecord()));
    }
  }

  /** The decisions as they were recorded, the oldest first. */
  Iterator<StreamDecisionsResponse> records(
      RequestMetadata metadata, Optional<Instant> since, boolean allTenants) {
    StreamDecisionsRequest.Builder request =
        StreamDecisionsRequest.newBuilder().setMetadata(metadata).setAllTenants(allTenants);
    since.map(Timestamps::of).ifPresent(request::setSinceTime);
    FeedbackServiceBlockingStub stub = FeedbackServiceGrpc.newBlockingStub(policyServer);
    return longest.map(stub::withDeadlineAfter).orElse(stub).streamDecisions(request.build());
  }

  /** Returns a decision as gates are made and judged by it. */
  static LoggedSuggestion decision(DecisionRecord record) throws UnusableLogException {
    SuggestionRecord suggestion = record.getSuggestion();
    SuggestResponse answer = suggestion.getResponse();
    if (!(answer.getPropensity() > 0 && answer.getPropensity() <= 1)) {
      throw new UnusableLogException(
          "suggestion %s: propensity: %s (expected: above 0, at most 1)"
              .formatted(answer.getSuggestionId(), answer.getPropensity()));
    }
    boolean shown = answer.getDecision() == Decision.DECISION_SHOW;
    return new LoggedSuggestion(
        suggestion.getTenant(),
        suggestion.getUser(),
        new GateContext(
            suggestion.getPrompt(),
            suggestion.hasHistory()
                ? Optional.of(history(suggestion.getHistory()))
                : Optional.empty()),
        suggestion.hasCompletion() && !answer.getText().isEmpty()
            ? Optional.of(suggestion(suggestion))
            : Optional.empty(),
        shown,
        record.hasOutcome() ? kept(record.getOutcome()) : Optional.empty(),
        answer.getPropensity(),
        Instant.ofEpochSecond(
            suggestion.getDecisionTime().getSeconds(), suggestion.getDecisionTime().getNanos()),
        new LoggedSuggestion.Said(
            said(answer.hasStageOne(), answer.getStageOne()),
            said(answer.hasStageTwo(), answer.getStageTwo()),
            answer.hasStageOne() && withholds(answer.getStageOne()),
            gating(answer)));
  }

  private static GateHistory history(io.ballast.safety.v1.GateHistory recorded) {
    return new GateHistory(
        recorded.getOutcomesList().stream()
            .map(
                outcome ->
                    new GateHistory.Past(
                        switch (outcome.getKind()) {
                          case PAST_OUTCOME_KIND_ACCEPTED -> GateHistory.Kind.ACCEPTED;
                          case PAST_OUTCOME_KIND_REJECTED -> GateHistory.Kind.REJECTED;
                          case PAST_OUTCOME_KIND_EDITED -> GateHistory.Kind.EDITED;
                          case PAST_OUTCOME_KIND_UNSPECIFIED, UNRECOGNIZED ->
                              GateHistory.Kind.UNKNOWN;
                        },
                        outcome.hasAge()
                            ? OptionalDouble.of(
                                outcome.getAge().getSeconds() + outcome.getAge().getNanos() / 1e9)
                            : OptionalDouble.empty()))
            .toList(),
        recorded.getAcceptedCount(),
        recorded.getAnsweredCount(),
        recorded.hasPreviousSuggestionCharacters()
            ? OptionalInt.of(recorded.getPreviousSuggestionCharacters())
            : OptionalInt.empty());
  }

  private static GateSuggestion suggestion(SuggestionRecord record) {
    SuggestResponse answer = record.getResponse();
    float[] logProbs = new float[record.getCompletion().getLogProbsCount()];
    for (int t = 0; t < logProbs.length; t++) {
      logProbs[t] = record.getCompletion().getLogProbs(t);
    }
    boolean rewarded = answer.hasReward() && answer.getReward().hasValue();
    boolean judged = answer.hasCost() && answer.getCost().hasHarmProbability();
    return new GateSuggestion(
        answer.getText(),
        PerToken.of(logProbs),
        stopReason(answer),
        new GateScores(
            rewarded ? OptionalDouble.of(answer.getReward().getValue()) : OptionalDouble.empty(),
            rewarded && answer.getReward().hasSpread()
                ? OptionalDouble.of(answer.getReward().getSpread())
                : OptionalDouble.empty(),
            judged
                ? OptionalDouble.of(answer.getCost().getHarmProbability())
                : OptionalDouble.empty()));
  }

  private static Optional<StopReason> stopReason(SuggestResponse answer) {
    return switch (answer.getStopReason()) {
      case STOP_REASON_END_OF_TEXT -> Optional.of(StopReason.END_OF_TEXT);
      case STOP_REASON_STOP_STRING -> Optional.of(StopReason.STOP_STRING);
      case STOP_REASON_MAX_TOKENS -> Optional.of(StopReason.MAX_TOKENS);
      case STOP_REASON_CONTEXT_FULL -> Optional.of(StopReason.CONTEXT_FULL);
      case STOP_REASON_CANCELLED -> Optional.of(StopReason.CANCELLED);
      case STOP_REASON_STOP_TOKEN -> Optional.of(StopReason.STOP_TOKEN);
      case STOP_REASON_GRAMMAR_COMPLETE -> Optional.of(StopReason.GRAMMAR_COMPLETE);
      case STOP_REASON_GRAMMAR_INCOMPLETE -> Optional.of(StopReason.GRAMMAR_INCOMPLETE);
      case STOP_REASON_UNSPECIFIED, UNRECOGNIZED -> Optional.empty();
    };
  }

  static Optional<Boolean> kept(FeedbackEvent event) {
    return switch (event.getEventCase()) {
      case ACCEPTED, EDITED -> Optional.of(true);
      case REJECTED -> Optional.of(false);
      case REACTION, FOLLOW_UP, RATING, EVENT_NOT_SET -> Optional.empty();
    };
  }

  private static OptionalDouble said(boolean asked, GateStageAnswer answer) {
    return asked ? OptionalDouble.of(answer.getAcceptProbability()) : OptionalDouble.empty();
  }

  /** Where stage 2 was away, what stage 1 let through is what it did not withhold. */
  private static Gating gating(SuggestResponse answer) {
    return switch (answer.getReason()) {
      case DECISION_REASON_LIKELY_ACCEPTED,
          DECISION_REASON_CONTEXT_LIKELY_REJECTED,
          DECISION_REASON_SUGGESTION_LIKELY_REJECTED,
          DECISION_REASON_EXPLORED ->
          Gating.ENFORCED;
      case DECISION_REASON_GATE_NOT_ENFORCED,
          DECISION_REASON_COST_OVER_THRESHOLD,
          DECISION_REASON_COST_UNAVAILABLE,
          DECISION_REASON_EMPTY_COMPLETION ->
          Gating.NOT_ENFORCED;
      case DECISION_REASON_GATE_UNAVAILABLE ->
          answer.hasStageOne() ? Gating.ENFORCED : Gating.NOT_ENFORCED;
      case DECISION_REASON_UNSPECIFIED, UNRECOGNIZED -> Gating.UNKNOWN;
    };
  }

  private static boolean withholds(GateStageAnswer answer) {
    return answer.getOutcome() == GateOutcome.GATE_OUTCOME_WITHHOLD
        || answer.getOutcome() == GateOutcome.GATE_OUTCOME_EXPLORE;
  }
}
