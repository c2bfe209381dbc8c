package io.ballast.safety.adapter;

import com.google.protobuf.Duration;
import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.policy.v1.Decision;
import io.ballast.policy.v1.DecisionRecord;
import io.ballast.policy.v1.FeedbackEvent;
import io.ballast.policy.v1.SuggestResponse;
import io.ballast.safety.core.gatefit.TimedSuggestion;
import io.grpc.Channel;
import java.time.Instant;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.Consumer;

/** What suggestions took, of the decisions that a policy-server has recorded. */
public final class GrpcTimeLog {
  private final GrpcDecisionLog log;

  public GrpcTimeLog(Channel policyServer) {
    this.log = new GrpcDecisionLog(policyServer);
  }

  /**
   * Hands every shown and answered suggestion of a tenant to {@code sink}, the oldest first.
   *
   * @param metadata who asks
   * @param since only what was decided at this time or later; empty: all
   * @throws io.grpc.StatusRuntimeException if the server cannot be asked, or refuses
   */
  public void read(
      RequestMetadata metadata, Optional<Instant> since, Consumer<TimedSuggestion> sink) {
    log.records(metadata, since, false)
        .forEachRemaining(decision -> timed(decision.getRecord()).ifPresent(sink));
  }

  /** Returns what a suggestion took; empty if it was not shown, or nobody answered. */
  static Optional<TimedSuggestion> timed(DecisionRecord record) {
    SuggestResponse answer = record.getSuggestion().getResponse();
    if (answer.getDecision() != Decision.DECISION_SHOW || !record.hasOutcome()) {
      return Optional.empty();
    }
    FeedbackEvent event = record.getOutcome();
    int length = answer.getText().length();
    String user = record.getSuggestion().getUser();
    OptionalDouble looked =
        seconds(event.hasVerificationDuration(), event.getVerificationDuration());
    OptionalDouble waited =
        seconds(answer.getTiming().hasTotalDuration(), answer.getTiming().getTotalDuration());
    return switch (event.getEventCase()) {
      case ACCEPTED ->
          Optional.of(
              new TimedSuggestion(
                  user,
                  event.getAccepted().hasSavedCharacters()
                      ? event.getAccepted().getSavedCharacters()
                      : length,
                  true,
                  looked,
                  OptionalDouble.of(0),
                  waited));
      case EDITED ->
          Optional.of(
              new TimedSuggestion(
                  user,
                  event.getEdited().getKeptCharacters(),
                  true,
                  looked,
                  seconds(event.getEdited().hasEditDuration(), event.getEdited().getEditDuration()),
                  waited));
      case REJECTED ->
          Optional.of(new TimedSuggestion(user, 0, false, looked, OptionalDouble.empty(), waited));
      case REACTION, FOLLOW_UP, RATING, EVENT_NOT_SET -> Optional.empty();
    };
  }

  private static OptionalDouble seconds(boolean known, Duration duration) {
    return known
        ? OptionalDouble.of(duration.getSeconds() + duration.getNanos() / 1e9)
        : OptionalDouble.empty();
  }
}
