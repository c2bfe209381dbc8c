package io.ballast.policy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.util.JsonFormat;
import io.ballast.kit.outbox.OutboxEvent;
import io.ballast.policy.testing.FakeModels;
import io.ballast.policy.testing.TestClock;
import io.ballast.policy.testing.TestMesh;
import io.ballast.policy.v1.Edited;
import io.ballast.policy.v1.FeedbackEvent;
import io.ballast.policy.v1.PolicyAlias;
import io.ballast.policy.v1.RecordFeedbackRequest;
import io.ballast.policy.v1.RecordFeedbackResponse;
import io.grpc.StatusRuntimeException;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Feedback and moves of aliases are told once each if they were stored, and not if not. */
class PolicyEventsTest {
  private static final String NOBODYS = "01970000-0000-4000-8000-000000000000";

  private final TestMesh mesh;

  PolicyEventsTest() {
    FakeModels models = new FakeModels();
    models.publish("2", request -> "suggestion by 2;");
    mesh = TestMesh.start(models);
  }

  @AfterEach
  void stop() {
    mesh.close();
  }

  @Test
  void feedbackIsToldAsItWasKept() throws InvalidProtocolBufferException {
    var unused = mesh.told();
    String suggestion = mesh.suggest("a").getSuggestionId();

    RecordFeedbackResponse receipt = edit(suggestion, "key");

    List<OutboxEvent> told = mesh.told();
    assertThat(told).hasSize(1);
    OutboxEvent event = told.getFirst();
    assertThat(event.id()).hasToString(receipt.getEventId());
    assertThat(event.type()).isEqualTo("io.ballast.feedback.recorded");
    assertThat(event.subject()).isEqualTo(suggestion);
    assertThat(event.tenant()).isEqualTo("default");
    assertThat(event.time()).isEqualTo(TestClock.START);
    FeedbackEvent.Builder read = FeedbackEvent.newBuilder();
    JsonFormat.parser().merge(event.json(), read);
    assertThat(read.getSuggestionId()).isEqualTo(suggestion);
    assertThat(read.getEdited().getFinalText()).isEqualTo("naïve");
    assertThat(read.getEventTime().getSeconds()).isEqualTo(TestClock.START.getEpochSecond());
  }

  @Test
  void whatWasNotKeptIsNotTold() {
    String suggestion = mesh.suggest("a").getSuggestionId();
    var first = edit(suggestion, "key");
    var told = mesh.told();

    assertThat(edit(suggestion, "key").getDuplicate()).isTrue();
    assertThatThrownBy(() -> edit(NOBODYS, "other")).isInstanceOf(StatusRuntimeException.class);

    assertThat(told.getLast().id()).hasToString(first.getEventId());
    assertThat(mesh.told()).isEmpty();
  }

  @Test
  void everyMoveOfAnAliasIsToldWithItsCertificate() throws InvalidProtocolBufferException {
    Promotions.promote(mesh, "1", "2");

    List<OutboxEvent> told = mesh.told();

    assertThat(told.stream().map(OutboxEvent::type))
        .containsExactly("io.ballast.alias.create", "io.ballast.alias.promote");
    assertThat(told.stream().map(OutboxEvent::subject)).containsOnly("java-tiny/serving");
    PolicyAlias.Builder read = PolicyAlias.newBuilder();
    JsonFormat.parser().merge(told.getLast().json(), read);
    assertThat(read.getVersion()).isEqualTo("2");
    assertThat(read.getRevision()).isEqualTo(2);
    assertThat(read.getMovesList()).hasSize(1);
    assertThat(read.getMoves(0).getFromVersion()).isEqualTo("1");
    assertThat(read.getMoves(0).getCertificateId()).isEqualTo("certificate-of-2");
  }

  private RecordFeedbackResponse edit(String suggestion, String key) {
    return mesh.feedback()
        .recordFeedback(
            RecordFeedbackRequest.newBuilder()
                .setMetadata(TestMesh.metadata("", key))
                .setEvent(
                    FeedbackEvent.newBuilder()
                        .setSuggestionId(suggestion)
                        .setEdited(Edited.newBuilder().setKeptCharacters(2).setFinalText("naïve")))
                .build());
  }
}
