package io.ballast.policy;

import static io.ballast.policy.testing.Refusals.assertRefused;

import com.google.protobuf.Duration;
import com.google.protobuf.Timestamp;
import io.ballast.policy.testing.TestMesh;
import io.ballast.policy.v1.Accepted;
import io.ballast.policy.v1.Edited;
import io.ballast.policy.v1.FeedbackEvent;
import io.ballast.policy.v1.FollowUp;
import io.ballast.policy.v1.GetSuggestionRequest;
import io.ballast.policy.v1.Rating;
import io.ballast.policy.v1.Reaction;
import io.ballast.policy.v1.RecordFeedbackRequest;
import io.ballast.policy.v1.Rejected;
import io.ballast.policy.v1.StreamDecisionsRequest;
import io.ballast.policy.v1.StreamTrainingRecordsRequest;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Feedback that says nothing, or asks for what cannot be, is refused by its field. */
class BadFeedbackTest extends BadInputCase {
  @Test
  void feedbackWithoutAKey() {
    assertRefused(
        () ->
            mesh.feedback()
                .recordFeedback(RecordFeedbackRequest.newBuilder().setEvent(event()).build()),
        "metadata.idempotency_key: 0 characters (expected: 1 to 128)");
  }

  @Test
  void feedbackOnSomethingThatIsNoId() {
    assertEventRefused(
        event().setSuggestionId("1-1-1-1-1"),
        "event.suggestion_id: 9 characters (expected: a UUID)");
    assertEventRefused(
        event().setSuggestionId("zzzzzzzz-zzzz-zzzz-zzzz-zzzzzzzzzzzz"),
        "event.suggestion_id: 'zzzzzzzz-zzzz-zzzz-zzzz-zzzzzzzzzzzz' (expected: a UUID)");
    // as long as an id, and read as another one by the JDK
    assertEventRefused(
        event().setSuggestionId("123456789-234-1234-1234-123456789012"),
        "event.suggestion_id: '123456789-234-1234-1234-123456789012' (expected: a UUID)");
  }

  @Test
  void feedbackThatSaysNothingOrTheImpossible() {
    assertEventRefused(event().clearEvent(), "event.event: absent (expected: exactly one kind)");
    assertEventRefused(
        event().setAccepted(Accepted.newBuilder().setSavedCharacters(-1)),
        "event.accepted.saved_characters: -1 (expected: at least 0)");
    assertEventRefused(
        event().setEdited(Edited.getDefaultInstance()),
        "event.edited.kept_characters: 0 (expected: at least 1; nothing kept is a rejection)");
    assertEventRefused(
        event().setReaction(Reaction.getDefaultInstance()),
        "event.reaction.kind: unknown (expected: LIKE, LOVE or DISLIKE)");
    assertEventRefused(
        event().setFollowUp(FollowUp.getDefaultInstance()),
        "event.follow_up.text: empty (expected: at least 1 byte)");
    assertEventRefused(
        event().setRating(Rating.newBuilder().setValue(Double.NaN).setMaximum(5)),
        "event.rating: value NaN, minimum 0.0, maximum 5.0 (expected: finite, "
            + "minimum ≤ value ≤ maximum, minimum < maximum)");
    assertEventRefused(
        event().setEventTime(Timestamp.newBuilder().setNanos(-1)),
        "event.event_time: 0 s, -1 ns (expected: years 1 to 9999, 0 to 999,999,999 ns)");
  }

  @ParameterizedTest
  @ValueSource(strings = {"rubbish", "!!", "AQAAAAAAAAAAAAAAAA", "AQ"})
  void aCursorThatNoServerMade(String cursor) {
    assertRefused(
        () ->
            mesh.feedback()
                .streamTrainingRecords(
                    StreamTrainingRecordsRequest.newBuilder().setAfterCursor(cursor).build())
                .hasNext(),
        "after_cursor: not a cursor of this stream");
  }

  @Test
  void aCursorOfAnotherStream() {
    String suggestion = mesh.suggest("a").getSuggestionId();
    mesh.feedback()
        .recordFeedback(
            RecordFeedbackRequest.newBuilder()
                .setMetadata(TestMesh.metadata("", "key"))
                .setEvent(
                    event().setSuggestionId(suggestion).setAccepted(Accepted.getDefaultInstance()))
                .build());
    String cursor =
        mesh.feedback()
            .streamTrainingRecords(StreamTrainingRecordsRequest.getDefaultInstance())
            .next()
            .getCursor();

    assertDecisionsRefused(
        StreamDecisionsRequest.newBuilder().setAfterCursor(cursor),
        "after_cursor: not a cursor of this stream");
  }

  @Test
  void decisionsThatCannotBe() {
    assertDecisionsRefused(
        StreamDecisionsRequest.newBuilder().setMaxDecisions(-1),
        "max_decisions: -1 (expected: at least 0; 0 means all)");
    assertDecisionsRefused(
        StreamDecisionsRequest.newBuilder().setMinAgeDuration(Duration.newBuilder().setSeconds(-1)),
        "min_age_duration: PT-1S (expected: 0 to 366 days)");
    assertDecisionsRefused(
        StreamDecisionsRequest.newBuilder()
            .setMinAgeDuration(Duration.newBuilder().setSeconds(1).setNanos(-1)),
        "min_age_duration: 1 s, -1 ns (expected: at most 10,000 years, below 10^9 ns, of one sign)");
    assertDecisionsRefused(
        StreamDecisionsRequest.newBuilder().setSinceTime(Timestamp.newBuilder().setNanos(-1)),
        "since_time: 0 s, -1 ns (expected: years 1 to 9999, 0 to 999,999,999 ns)");
  }

  @Test
  void timesOfAPersonThatCannotBe() {
    assertEventRefused(
        event()
            .setRejected(Rejected.getDefaultInstance())
            .setVerificationDuration(Duration.newBuilder().setSeconds(-1)),
        "event.verification_duration: PT-1S (expected: 0 to a day)");
    assertEventRefused(
        event()
            .setEdited(
                Edited.newBuilder()
                    .setKeptCharacters(1)
                    .setEditDuration(Duration.newBuilder().setSeconds(86_401))),
        "event.edited.edit_duration: PT24H1S (expected: 0 to a day)");
  }

  private void assertDecisionsRefused(StreamDecisionsRequest.Builder request, String message) {
    assertRefused(() -> mesh.feedback().streamDecisions(request.build()).hasNext(), message);
  }

  @Test
  void feedbackTextOverTheLimit() {
    String text = "é".repeat(32_769);
    assertEventRefused(
        event().setEdited(Edited.newBuilder().setKeptCharacters(1).setFinalText(text)),
        "event.edited.final_text: 65,538 bytes, limit 65,536");
    assertEventRefused(
        event().setFollowUp(FollowUp.newBuilder().setText(text)),
        "event.follow_up.text: 65,538 bytes, limit 65,536");
  }

  @Test
  void aSuggestionThatIsNoId() {
    for (String id : List.of("", "1-1-1-1-1", "../../etc/passwd", "x".repeat(2_000))) {
      assertRefused(
          () ->
              mesh.feedback()
                  .getSuggestion(GetSuggestionRequest.newBuilder().setSuggestionId(id).build()),
          "suggestion_id: %,d characters (expected: a UUID)".formatted(id.length()));
    }
  }

  @Test
  void recordsOfANegativeNumber() {
    assertRefused(
        () ->
            mesh.feedback()
                .streamTrainingRecords(
                    StreamTrainingRecordsRequest.newBuilder().setMaxRecords(-1).build())
                .hasNext(),
        "max_records: -1 (expected: at least 0; 0 means all)");
    assertRefused(
        () ->
            mesh.feedback()
                .streamTrainingRecords(
                    StreamTrainingRecordsRequest.newBuilder()
                        .setSinceTime(Timestamp.newBuilder().setNanos(-1))
                        .build())
                .hasNext(),
        "since_time: 0 s, -1 ns (expected: years 1 to 9999, 0 to 999,999,999 ns)");
  }

  private void assertEventRefused(FeedbackEvent.Builder event, String message) {
    assertRefused(
        () ->
            mesh.feedback()
                .recordFeedback(
                    RecordFeedbackRequest.newBuilder()
                        .setMetadata(TestMesh.metadata("", "key"))
                        .setEvent(event)
                        .build()),
        message);
  }
}
