package io.ballast.reward.adapter;

import io.ballast.kit.grpc.PeerFaults;
import io.ballast.kit.grpc.Timestamps;
import io.ballast.mesh.v1.Priority;
import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.policy.v1.Decision;
import io.ballast.policy.v1.FeedbackEvent;
import io.ballast.policy.v1.FeedbackServiceGrpc;
import io.ballast.policy.v1.StreamTrainingRecordsRequest;
import io.ballast.policy.v1.StreamTrainingRecordsResponse;
import io.ballast.policy.v1.SuggestionRecord;
import io.ballast.policy.v1.TrainingRecord;
import io.ballast.reward.core.training.FeedbackSource;
import io.ballast.training.data.JudgementData;
import io.ballast.training.feedback.FeedbackAct;
import io.ballast.training.feedback.FeedbackJudgements;
import io.ballast.training.feedback.FeedbackRecord;
import io.grpc.Channel;
import io.grpc.Context;
import io.grpc.Context.CancellableContext;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.util.Iterator;
import java.util.concurrent.TimeUnit;
import java.util.function.LongConsumer;

/**
 * The feedback that the policy-server keeps. Records come one at a time, as fast as they are taken.
 */
public final class GrpcFeedbackLog implements FeedbackSource {
  private static final String PEER = "policy-server";
  private static final int TOLD_EVERY = 500;

  private final FeedbackServiceGrpc.FeedbackServiceBlockingStub feedback;
  private final Duration timeout;

  /**
   * @param policyServer stays its owner's
   * @param timeout how long reading all of it may take
   */
  public GrpcFeedbackLog(Channel policyServer, Duration timeout) {
    this.feedback = FeedbackServiceGrpc.newBlockingStub(policyServer);
    this.timeout = timeout;
  }

  @Override
  public JudgementData read(Query query, LongConsumer progress) {
    StreamTrainingRecordsRequest.Builder request =
        StreamTrainingRecordsRequest.newBuilder()
            .setMetadata(
                RequestMetadata.newBuilder()
                    .setTenant(query.tenant())
                    .setPriority(Priority.PRIORITY_BATCH));
    query.since().ifPresent(since -> request.setSinceTime(Timestamps.of(since)));
    FeedbackJudgements judgements = new FeedbackJudgements(query.rules());
    CancellableContext asking = Context.current().withCancellation(); // a stream that is left ends
    Context before = asking.attach();
    try {
      Iterator<StreamTrainingRecordsResponse> records =
          feedback
              .withDeadlineAfter(timeout.toNanos(), TimeUnit.NANOSECONDS)
              .streamTrainingRecords(request.build());
      while (records.hasNext()) {
        judgements.add(record(judgements.records() + 1, records.next().getRecord()));
        if (judgements.records() % TOLD_EVERY == 0) {
          progress.accept(judgements.records());
        }
      }
    } catch (StatusRuntimeException e) {
      throw PeerFaults.translate(e, PEER);
    } finally {
      asking.detachAndCancel(before, null);
    }
    progress.accept(judgements.records());
    return judgements.data();
  }

  private static FeedbackRecord record(long row, TrainingRecord record) {
    SuggestionRecord suggestion = record.getSuggestion();
    FeedbackEvent event = record.getEvent();
    return new FeedbackRecord(
        row,
        event.getSuggestionId(),
        record.getEventId(),
        suggestion.getUser(),
        suggestion.getResponse().getPolicyVersion().getModel()
            + "/"
            + suggestion.getResponse().getPolicyVersion().getVersion(),
        suggestion.getPrompt(),
        suggestion.getCompletion().getText(),
        suggestion.getResponse().getDecision() == Decision.DECISION_SHOW,
        Timestamps.instant(event.getEventTime()),
        act(event));
  }

  private static FeedbackAct act(FeedbackEvent event) {
    return switch (event.getEventCase()) {
      case ACCEPTED -> new FeedbackAct.Accepted();
      case REJECTED -> new FeedbackAct.Rejected();
      case EDITED ->
          new FeedbackAct.Edited(
              event.getEdited().getKeptCharacters(), event.getEdited().getFinalText());
      case REACTION ->
          switch (event.getReaction().getKind()) {
            case REACTION_KIND_LIKE, REACTION_KIND_LOVE -> new FeedbackAct.Reacted(true);
            case REACTION_KIND_DISLIKE -> new FeedbackAct.Reacted(false);
            case REACTION_KIND_UNSPECIFIED, UNRECOGNIZED -> new FeedbackAct.FollowedUp();
          };
      case RATING ->
          new FeedbackAct.Rated(
              event.getRating().getValue(),
              event.getRating().getMinimum(),
              event.getRating().getMaximum());
      case FOLLOW_UP -> new FeedbackAct.FollowedUp();
      case EVENT_NOT_SET -> new FeedbackAct.FollowedUp(); // of a newer server: nothing we know of
    };
  }
}
