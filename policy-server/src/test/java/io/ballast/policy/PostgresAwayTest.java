package io.ballast.policy;

import static io.ballast.policy.testing.Refusals.assertDatabaseAway;
import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.mesh.v1.ModelSelector;
import io.ballast.mesh.v1.TextOrTokens;
import io.ballast.policy.testing.TestMesh;
import io.ballast.policy.v1.Accepted;
import io.ballast.policy.v1.FeedbackEvent;
import io.ballast.policy.v1.GetSuggestionRequest;
import io.ballast.policy.v1.GetVersionRequest;
import io.ballast.policy.v1.ListAliasesRequest;
import io.ballast.policy.v1.ListVersionsRequest;
import io.ballast.policy.v1.PolicyAlias;
import io.ballast.policy.v1.PromoteAliasRequest;
import io.ballast.policy.v1.RecordFeedbackRequest;
import io.ballast.policy.v1.RecordFeedbackResponse;
import io.ballast.policy.v1.RegisterVersionRequest;
import io.ballast.policy.v1.RollBackAliasRequest;
import io.ballast.policy.v1.SampleRequest;
import io.ballast.policy.v1.StreamDecisionsRequest;
import io.ballast.policy.v1.StreamTrainingRecordsRequest;
import io.ballast.policy.v1.SuggestRequest;
import io.ballast.policy.v1.SuggestStreamRequest;
import io.ballast.testing.StoppablePostgres;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A real PostgreSQL stops under a running server and comes back. Meanwhile whatever needs it says
 * so; afterwards the same calls succeed, under the same key exactly once, without a restart.
 */
class PostgresAwayTest {
  @TempDir Path folder;

  private StoppablePostgres postgres;
  private TestMesh mesh;

  @BeforeEach
  void start() {
    postgres = new StoppablePostgres(folder, "policy");
    mesh = TestMesh.startOn(postgres);
    mesh.models.publish("2", request -> "suggestion by 2;");
    mesh.safety.certificates.issue("certificate", "2", "1");
  }

  @AfterEach
  void stop() {
    mesh.close();
    postgres.close();
  }

  @Test
  void aCertificateThatWasRedeemedBeforeItWentAwayMovesTheAliasWhenItIsBack() throws Exception {
    register("2");
    AtomicInteger calls = new AtomicInteger();
    mesh.safety.beforeCertificates =
        () -> {
          if (calls.incrementAndGet() == 2) { // between the verification and the move
            stopPostgres();
          }
        };
    assertDatabaseAway(this::promote);
    assertThat(mesh.safety.certificates.redeemed).hasSize(1);

    postgres.startAgain();
    PolicyAlias moved = onceItIsBack(this::promote);

    assertThat(moved.getVersion()).isEqualTo("2");
    assertThat(mesh.safety.certificates.redeemed).hasSizeGreaterThan(1);
    assertThat(mesh.safety.certificates.redeemed)
        .extracting(request -> request.getMetadata().getIdempotencyKey())
        .containsOnly(moved.getMoves(0).getRedemptionId().substring("leave-".length()));
  }

  @Test
  void whatNeedsItSaysSoAndIsDoneOnceWhenItIsBack() throws Exception {
    String suggestion = mesh.suggest("before").getSuggestionId();
    register("2");
    postgres.stop();

    assertDatabaseAway(() -> mesh.suggest("while it is away"));
    assertDatabaseAway(
        () ->
            mesh.policy()
                .suggestStream(
                    SuggestStreamRequest.newBuilder()
                        .setRequest(SuggestRequest.newBuilder().setPrompt("while it is away"))
                        .build())
                .forEachRemaining(
                    event -> assertThat(event.hasFinished()).as("an answer").isFalse()));
    assertDatabaseAway(() -> record(suggestion));
    assertDatabaseAway(this::promote);
    assertDatabaseAway(
        () -> mesh.versions().rollBackAlias(RollBackAliasRequest.getDefaultInstance()));
    assertDatabaseAway(() -> register("1"));
    assertDatabaseAway(
        () -> mesh.versions().listVersions(ListVersionsRequest.getDefaultInstance()));
    assertDatabaseAway(() -> mesh.versions().listAliases(ListAliasesRequest.getDefaultInstance()));
    assertDatabaseAway(
        () ->
            mesh.versions()
                .getVersion(
                    GetVersionRequest.newBuilder()
                        .setSelector(ModelSelector.newBuilder().setVersion("9"))
                        .build()));
    assertDatabaseAway(
        () ->
            mesh.feedback()
                .streamTrainingRecords(StreamTrainingRecordsRequest.getDefaultInstance())
                .hasNext());
    assertDatabaseAway(
        () ->
            mesh.feedback().streamDecisions(StreamDecisionsRequest.getDefaultInstance()).hasNext());
    assertDatabaseAway(
        () ->
            mesh.feedback()
                .getSuggestion(
                    GetSuggestionRequest.newBuilder().setSuggestionId(suggestion).build()));
    assertThat(
            mesh.policy()
                .sample(
                    SampleRequest.newBuilder()
                        .addPrompts(TextOrTokens.newBuilder().setText("a"))
                        .build())
                .getResults(0)
                .hasGroup())
        .as("trainers sample what is loaded")
        .isTrue();
    mesh.server.refreshAliases(); // the background's look: fails without a word to anybody

    postgres.startAgain();

    RecordFeedbackResponse recorded = onceItIsBack(() -> record(suggestion));
    assertThat(recorded.getDuplicate()).isFalse();
    assertThat(recorded.getJoined()).isTrue();
    RecordFeedbackResponse again = record(suggestion);
    assertThat(again.getDuplicate()).isTrue();
    assertThat(again.getEventId()).isEqualTo(recorded.getEventId());
    PolicyAlias promoted = promote();
    assertThat(promoted.getVersion()).isEqualTo("2");
    assertThat(promoted.getRevision()).isEqualTo(2);
    assertThat(promote()).isEqualTo(promoted);
    register("1");
    assertThat(count("suggestion")).as("what was not answered was not recorded").isEqualTo(1);
    assertThat(count("feedback_event")).isEqualTo(1);
    assertThat(mesh.suggest("after").getText()).isEqualTo("suggestion by 2;");
  }

  private RecordFeedbackResponse record(String suggestion) {
    return mesh.feedback()
        .recordFeedback(
            RecordFeedbackRequest.newBuilder()
                .setMetadata(TestMesh.metadata("", "feedback"))
                .setEvent(
                    FeedbackEvent.newBuilder()
                        .setSuggestionId(suggestion)
                        .setAccepted(Accepted.getDefaultInstance()))
                .build());
  }

  private void stopPostgres() {
    try {
      postgres.stop();
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }

  private PolicyAlias promote() {
    return mesh.versions()
        .promoteAlias(
            PromoteAliasRequest.newBuilder()
                .setMetadata(TestMesh.metadata("", "promotion"))
                .setExpectedVersion("1")
                .setNewVersion("2")
                .setCertificateId("certificate")
                .build())
        .getAlias();
  }

  private void register(String version) {
    var unused =
        mesh.versions()
            .registerVersion(RegisterVersionRequest.newBuilder().setVersion(version).build());
  }

  private int count(String table) {
    return postgres
        .jdbi()
        .withHandle(
            handle ->
                handle.createQuery("select count(*) from " + table).mapTo(Integer.class).one());
  }

  /** Calls until the pool has found the server again: it looks every few seconds. */
  private static <T> T onceItIsBack(Supplier<T> call) {
    for (int i = 0; i < 60; i++) {
      try {
        return call.get();
      } catch (StatusRuntimeException e) {
        assertThat(e.getStatus().getCode()).isEqualTo(Status.Code.UNAVAILABLE);
      }
    }
    return call.get();
  }
}
