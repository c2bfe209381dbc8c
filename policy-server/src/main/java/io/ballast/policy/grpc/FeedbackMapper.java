package io.ballast.policy.grpc;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Parser;
import io.ballast.kit.call.Caller;
import io.ballast.kit.call.Texts;
import io.ballast.kit.digest.Sha256;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.kit.grpc.Principals;
import io.ballast.kit.grpc.Timestamps;
import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.policy.core.feedback.DecisionQuery;
import io.ballast.policy.core.feedback.DecisionReplay;
import io.ballast.policy.core.feedback.DeletionCommand;
import io.ballast.policy.core.feedback.FeedbackCommand;
import io.ballast.policy.core.feedback.FeedbackKind;
import io.ballast.policy.core.feedback.FeedbackStore.SuggestionHistory;
import io.ballast.policy.core.feedback.Payload;
import io.ballast.policy.core.feedback.Receipt;
import io.ballast.policy.core.feedback.TrainingQuery;
import io.ballast.policy.core.feedback.UserDataStore.Deleted;
import io.ballast.policy.v1.DecisionRecord;
import io.ballast.policy.v1.Degradation;
import io.ballast.policy.v1.DeleteUserDataRequest;
import io.ballast.policy.v1.DeleteUserDataResponse;
import io.ballast.policy.v1.Edited;
import io.ballast.policy.v1.FeedbackEvent;
import io.ballast.policy.v1.FollowUp;
import io.ballast.policy.v1.GetSuggestionResponse;
import io.ballast.policy.v1.Rating;
import io.ballast.policy.v1.ReactionKind;
import io.ballast.policy.v1.RecordFeedbackRequest;
import io.ballast.policy.v1.RecordFeedbackResponse;
import io.ballast.policy.v1.ReplayDecisionResponse;
import io.ballast.policy.v1.ReplayedField;
import io.ballast.policy.v1.ReplayedStage;
import io.ballast.policy.v1.StreamDecisionsRequest;
import io.ballast.policy.v1.StreamDecisionsResponse;
import io.ballast.policy.v1.StreamTrainingRecordsRequest;
import io.ballast.policy.v1.StreamTrainingRecordsResponse;
import io.ballast.policy.v1.SuggestionRecord;
import io.ballast.policy.v1.TrainingRecord;
import io.ballast.safety.v1.GateStageAnswer;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/** Translates feedback, and checks each kind of event. */
public final class FeedbackMapper {
  private static final int MAX_TEXT_BYTES = 65_536;
  private static final int UUID_CHARACTERS = 36;
  private static final Degradation WAITING =
      Degradation.newBuilder()
          .setPeer("database")
          .setMessage(
              "cannot be reached; the event is safe on the policy-server's disk and recorded when"
                  + " it can")
          .build();

  private final CallMapper calls;
  private final InstantSource clock;
  private final boolean allTenantsDecisions;

  /**
   * @param clock dates events that come without a time
   * @param allTenantsDecisions whether a caller may read the decisions for all tenants
   */
  public FeedbackMapper(CallMapper calls, InstantSource clock, boolean allTenantsDecisions) {
    this.calls = calls;
    this.clock = clock;
    this.allTenantsDecisions = allTenantsDecisions;
  }

  FeedbackCommand toCommand(RecordFeedbackRequest request) {
    FeedbackEvent event = request.getEvent();
    UUID suggestionId = uuid("event.suggestion_id", event.getSuggestionId());
    FeedbackKind kind = kindOf(event);
    if (event.hasEventTime()) {
      Timestamps.requireValid("event.event_time", event.getEventTime());
    }
    requireUpToADay("event.verification_duration", event.getVerificationDuration());
    Instant now = clock.instant();
    FeedbackEvent dated =
        event.hasEventTime() ? event : event.toBuilder().setEventTime(Timestamps.of(now)).build();
    return new FeedbackCommand(
        calls.caller(request.getMetadata()),
        suggestionId,
        kind,
        now,
        Payload.of(dated.toByteArray()),
        Sha256.of(event.toByteArray()));
  }

  /** The event of a command, as it is kept. */
  public static FeedbackEvent event(FeedbackCommand command) {
    return parse(FeedbackEvent.parser(), command.event());
  }

  RecordFeedbackResponse toResponse(Receipt receipt) {
    return RecordFeedbackResponse.newBuilder()
        .setEventId(receipt.eventId().toString())
        .setDuplicate(receipt.duplicate())
        .setJoined(receipt.joined())
        .addAllDegradations(receipt.waiting() ? List.of(WAITING) : List.of())
        .build();
  }

  DeletionCommand toCommand(DeleteUserDataRequest request) {
    Caller caller = calls.caller(request.getMetadata());
    List<UUID> ids = new ArrayList<>();
    for (String id : request.getSuggestionIdsList()) {
      ids.add(uuid("suggestion_ids[%d]".formatted(ids.size()), id));
    }
    return new DeletionCommand(
        caller, request.getUser(), ids, request.getActor(), request.getReason());
  }

  DeleteUserDataResponse toResponse(Deleted deleted) {
    return DeleteUserDataResponse.newBuilder()
        .setSuggestionsCount(deleted.suggestions())
        .setEventsCount(deleted.events())
        .setIdsSha256(deleted.idsSha256())
        .setAuditSequence(deleted.auditSequence())
        .setAuditSha256(deleted.auditSha256())
        .build();
  }

  TrainingQuery toQuery(StreamTrainingRecordsRequest request) {
    if (request.hasSinceTime()) {
      Timestamps.requireValid("since_time", request.getSinceTime());
    }
    return new TrainingQuery(
        calls.caller(request.getMetadata()).tenant(),
        request.getAfterCursor(),
        request.getFollow(),
        request.getMaxRecords(),
        request.hasSinceTime()
            ? Optional.of(Timestamps.instant(request.getSinceTime()))
            : Optional.empty());
  }

  StreamTrainingRecordsResponse toResponse(io.ballast.policy.core.feedback.TrainingRecord record) {
    return StreamTrainingRecordsResponse.newBuilder()
        .setCursor(record.cursor())
        .setRecord(
            TrainingRecord.newBuilder()
                .setSuggestion(parse(SuggestionRecord.parser(), record.suggestion()))
                .setEvent(parse(FeedbackEvent.parser(), record.event()))
                .setEventId(record.eventId().toString()))
        .build();
  }

  DecisionQuery toQuery(StreamDecisionsRequest request) {
    if (request.hasSinceTime()) {
      Timestamps.requireValid("since_time", request.getSinceTime());
    }
    String tenant = tenantOf(request.getMetadata());
    if (request.getAllTenants() && !allTenantsDecisions) {
      throw new MeshException(
          Fault.FORBIDDEN,
          "all_tenants: true (expected: false, or ballast.policy.all-tenants-decisions on)");
    }
    if (request.getAllTenants()
        && Principals.current().filter(caller -> caller.tenant().isPresent()).isPresent()) {
      throw new MeshException(
          Fault.FORBIDDEN, "all_tenants: true (expected: false, of a caller of one tenant)");
    }
    return new DecisionQuery(
        request.getAllTenants() ? Optional.empty() : Optional.of(tenant),
        request.getAfterCursor(),
        request.getFollow(),
        request.getMaxDecisions(),
        request.hasSinceTime()
            ? Optional.of(Timestamps.instant(request.getSinceTime()))
            : Optional.empty(),
        CallMapper.duration("min_age_duration", request.getMinAgeDuration()));
  }

  StreamDecisionsResponse toResponse(io.ballast.policy.core.feedback.DecisionRecord decision) {
    DecisionRecord.Builder record =
        DecisionRecord.newBuilder()
            .setSuggestion(parse(SuggestionRecord.parser(), decision.suggestion()));
    decision.outcome().ifPresent(event -> record.setOutcome(parse(FeedbackEvent.parser(), event)));
    decision
        .latestFeedback()
        .ifPresent(event -> record.setLatestFeedback(parse(FeedbackEvent.parser(), event)));
    return StreamDecisionsResponse.newBuilder()
        .setCursor(decision.cursor())
        .setRecord(record)
        .build();
  }

  GetSuggestionResponse toResponse(SuggestionHistory history) {
    GetSuggestionResponse.Builder response =
        GetSuggestionResponse.newBuilder()
            .setSuggestion(parse(SuggestionRecord.parser(), history.suggestion()));
    history.events().forEach(event -> response.addEvents(parse(FeedbackEvent.parser(), event)));
    return response.build();
  }

  ReplayDecisionResponse toResponse(List<DecisionReplay.ReplayedStage> stages) {
    ReplayDecisionResponse.Builder response =
        ReplayDecisionResponse.newBuilder().setIdentical(true);
    for (DecisionReplay.ReplayedStage stage : stages) {
      ReplayedStage.Builder message =
          ReplayedStage.newBuilder()
              .setStage(stage.stage())
              .setRecorded(parse(GateStageAnswer.parser(), stage.recorded()))
              .setReplayed(parse(GateStageAnswer.parser(), stage.replayed()))
              .setIdentical(true);
      for (DecisionReplay.ReplayedField field : stage.fields()) {
        message.addFields(
            ReplayedField.newBuilder()
                .setName(field.name())
                .setRecorded(field.recorded())
                .setReplayed(field.replayed())
                .setIdentical(field.identical()));
        if (!field.identical()) {
          message.setIdentical(false);
          response.setIdentical(false);
        }
      }
      response.addStages(message);
    }
    return response.build();
  }

  String tenantOf(RequestMetadata metadata) {
    return callerOf(metadata).tenant();
  }

  Caller callerOf(RequestMetadata metadata) {
    return calls.caller(metadata);
  }

  /** Reads an id in its canonical form; {@code UUID.fromString} alone would take "1-1-1-1-1". */
  static UUID uuid(String field, String text) {
    if (text.length() == UUID_CHARACTERS) {
      try {
        UUID id = UUID.fromString(text);
        if (id.toString().equalsIgnoreCase(text)) {
          return id;
        }
      } catch (IllegalArgumentException e) {
        throw noUuid(field, text);
      }
      throw noUuid(field, text);
    }
    throw Texts.malformed(field, "%,d characters (expected: a UUID)".formatted(text.length()));
  }

  private static MeshException noUuid(String field, String text) {
    return Texts.malformed(field, "'%s' (expected: a UUID)".formatted(text));
  }

  private static FeedbackKind kindOf(FeedbackEvent event) {
    return switch (event.getEventCase()) {
      case ACCEPTED -> {
        if (event.getAccepted().getSavedCharacters() < 0) {
          throw Texts.malformed(
              "event.accepted.saved_characters",
              event.getAccepted().getSavedCharacters() + " (expected: at least 0)");
        }
        yield FeedbackKind.ACCEPTED;
      }
      case REJECTED -> FeedbackKind.REJECTED;
      case EDITED -> {
        requireEdited(event.getEdited());
        yield FeedbackKind.EDITED;
      }
      case REACTION -> {
        ReactionKind kind = event.getReaction().getKind();
        if (kind == ReactionKind.REACTION_KIND_UNSPECIFIED || kind == ReactionKind.UNRECOGNIZED) {
          throw Texts.malformed("event.reaction.kind", "unknown (expected: LIKE, LOVE or DISLIKE)");
        }
        yield FeedbackKind.REACTION;
      }
      case FOLLOW_UP -> {
        requireFollowUp(event.getFollowUp());
        yield FeedbackKind.FOLLOW_UP;
      }
      case RATING -> {
        requireRating(event.getRating());
        yield FeedbackKind.RATING;
      }
      case EVENT_NOT_SET ->
          throw Texts.malformed("event.event", "absent (expected: exactly one kind)");
    };
  }

  private static void requireEdited(Edited edited) {
    if (edited.getKeptCharacters() < 1) {
      throw Texts.malformed(
          "event.edited.kept_characters",
          edited.getKeptCharacters() + " (expected: at least 1; nothing kept is a rejection)");
    }
    requireAtMost("event.edited.final_text", edited.getFinalText());
    requireUpToADay("event.edited.edit_duration", edited.getEditDuration());
  }

  private static void requireUpToADay(String field, com.google.protobuf.Duration sent) {
    Duration duration = CallMapper.duration(field, sent);
    if (duration.isNegative() || duration.compareTo(Duration.ofDays(1)) > 0) {
      throw Texts.malformed(field, "%s (expected: 0 to a day)".formatted(duration));
    }
  }

  private static void requireFollowUp(FollowUp followUp) {
    if (followUp.getText().isEmpty()) {
      throw Texts.malformed("event.follow_up.text", "empty (expected: at least 1 byte)");
    }
    requireAtMost("event.follow_up.text", followUp.getText());
  }

  private static void requireRating(Rating rating) {
    boolean holds =
        Double.isFinite(rating.getMinimum())
            && Double.isFinite(rating.getMaximum())
            && rating.getMinimum() < rating.getMaximum()
            && rating.getValue() >= rating.getMinimum()
            && rating.getValue() <= rating.getMaximum();
    if (!holds) {
      throw Texts.malformed(
          "event.rating",
          "value %s, minimum %s, maximum %s (expected: finite, minimum ≤ value ≤ maximum, minimum < maximum)"
              .formatted(rating.getValue(), rating.getMinimum(), rating.getMaximum()));
    }
  }

  private static void requireAtMost(String field, String text) {
    int bytes = Texts.utf8Bytes(text);
    if (bytes > MAX_TEXT_BYTES) {
      throw Texts.malformed(field, "%,d bytes, limit %,d".formatted(bytes, MAX_TEXT_BYTES));
    }
  }

  private static <T> T parse(Parser<T> parser, Payload payload) {
    try {
      return parser.parseFrom(payload.toBytes());
    } catch (InvalidProtocolBufferException e) {
      throw new MeshException(Fault.DEPENDENCY_BROKEN, "a stored record cannot be read", e);
    }
  }
}
