package io.ballast.policy;

import static io.ballast.testing.Refusals.assertMalformed;
import static io.ballast.testing.Refusals.assertRefused;
import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.kit.audit.AuditChain;
import io.ballast.kit.audit.AuditEntry;
import io.ballast.kit.audit.PostgresAudit;
import io.ballast.kit.digest.Sha256;
import io.ballast.kit.outbox.OutboxEvent;
import io.ballast.policy.testing.TestMesh;
import io.ballast.policy.v1.DeleteUserDataRequest;
import io.ballast.policy.v1.DeleteUserDataResponse;
import io.ballast.policy.v1.FeedbackEvent;
import io.ballast.policy.v1.FollowUp;
import io.ballast.policy.v1.GetSuggestionRequest;
import io.ballast.policy.v1.RecordFeedbackRequest;
import io.ballast.policy.v1.StreamDecisionsRequest;
import io.ballast.policy.v1.StreamTrainingRecordsRequest;
import io.ballast.policy.v1.SuggestRequest;
import io.grpc.Status;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** A user's data goes when they ask, or when it is old, and the audit trail proves it. */
class UserDataTest {
  private static final String REASON = "request 17 of 24 November";

  private final TestMesh mesh = TestMesh.start();

  @AfterEach
  void stop() {
    mesh.close();
  }

  @Test
  void allOfOneUserGoesAndNothingOfOthers() {
    List<String> ada = List.of(shown("", "ada"), shown("", "ada"));
    String bob = shown("", "bob");
    String elsewhere = shown("acme", "ada");
    List.of(ada.get(0), ada.get(1), bob).forEach(this::answer);

    DeleteUserDataResponse deleted = delete(request().setUser("ada"));

    assertThat(deleted.getSuggestionsCount()).isEqualTo(2);
    assertThat(deleted.getEventsCount()).isEqualTo(2);
    assertThat(deleted.getIdsSha256())
        .isEqualTo(Sha256.of(String.join("\n", ada.stream().sorted().toList()) + "\n"));
    ada.forEach(id -> assertRefused(() -> get("", id), Status.Code.NOT_FOUND, "no suggestion "));
    assertThat(get("", bob)).isEqualTo(1);
    assertThat(get("acme", elsewhere)).isZero();
    assertThat(decisions()).containsExactly(bob);
    assertThat(records()).containsExactly(bob);
    assertThat(mesh.told())
        .filteredOn(event -> event.type().equals("io.ballast.feedback.recorded"))
        .extracting(OutboxEvent::subject)
        .containsExactly(bob);
    assertProved(deleted, "data.delete");

    DeleteUserDataResponse again = delete(request().setUser("ada"));
    assertThat(again.getSuggestionsCount()).isZero();
    assertThat(again.getEventsCount()).isZero();
    assertThat(again.getAuditSequence()).isEqualTo(deleted.getAuditSequence() + 1);
  }

  @Test
  void aUsersSuggestionsAreFoundWithoutReadingAllOfThem() {
    List<String> plan =
        mesh.database
            .jdbi()
            .withHandle(
                handle -> {
                  handle.execute("set enable_seqscan = off"); // which a few rows are read by
                  return handle
                      .createQuery(
                          "explain select from suggestion where tenant = 'default' and person ="
                              + " 'ada' and person <> ''")
                      .mapTo(String.class)
                      .list();
                });

    assertThat(String.join("\n", plan))
        .contains("suggestion_default_tenant_person_idx")
        .doesNotContain("Seq Scan");
  }

  @Test
  void certainSuggestionsOfTheTenantGo() {
    String mine = shown("", "ada");
    String stays = shown("", "ada");
    String anothers = shown("acme", "ada");

    DeleteUserDataResponse deleted =
        delete(request().addSuggestionIds(mine).addSuggestionIds(anothers));

    assertThat(deleted.getSuggestionsCount()).isEqualTo(1);
    assertThat(deleted.getIdsSha256()).isEqualTo(Sha256.of(mine + "\n"));
    assertThat(get("", stays)).isZero();
    assertThat(get("acme", anothers)).isZero();
  }

  @Test
  void whatIsWrongIsNamed() {
    assertMalformed(
        () -> delete(request()), "user: empty (expected: either a user or suggestion_ids)");
    assertMalformed(
        () -> delete(request().setUser("ada").addSuggestionIds(shown("", "ada"))),
        "user: given (expected: either a user or suggestion_ids)");
    assertMalformed(
        () -> delete(request().addSuggestionIds("x")),
        "suggestion_ids[0]: 1 characters (expected: a UUID)");
    assertMalformed(
        () -> delete(request().setUser("ada").setActor(" ")),
        "actor: empty (expected: the person who answers for it)");
    assertMalformed(
        () -> delete(request().setUser("ada").setReason("short")),
        "reason: 5 characters (expected: 10 to 1,000)");
    assertMalformed(
        () -> delete(request().setUser("a".repeat(129))),
        "user: 129 characters (expected: at most 128)");
  }

  @Test
  void whatIsOlderThanItIsKeptGoesInBatches() {
    List<String> old = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      old.add(shown("", "ada"));
    }
    old.forEach(this::answer);
    mesh.clock.advance(Duration.ofDays(31));
    String recent = shown("", "ada");
    mesh.server.deleteOld();
    assertThat(decisions()).as("kept for ever by default").hasSize(6);

    try (TestMesh keeping = mesh.startBeside(Map.of("ballast.policy.retention", "P30D"))) {
      keeping.clock.advance(Duration.ofDays(31));
      keeping.server.deleteOld();
    }

    assertThat(decisions()).containsExactly(recent);
    assertThat(records()).isEmpty();
    List<AuditEntry> trail = trail();
    assertThat(trail.getLast().content())
        .contains("\"data.expire\"", "\"suggestions\": \"5\"", "\"events\": \"5\"");
    assertThat(flaws(trail)).isEmpty();
  }

  private DeleteUserDataRequest.Builder request() {
    return DeleteUserDataRequest.newBuilder().setActor("Grace").setReason(REASON);
  }

  private DeleteUserDataResponse delete(DeleteUserDataRequest.Builder request) {
    return mesh.feedback().deleteUserData(request.build());
  }

  private String shown(String tenant, String user) {
    mesh.clock.advance(Duration.ofMillis(1)); // ids are ordered by time
    return mesh.policy()
        .suggest(
            SuggestRequest.newBuilder()
                .setMetadata(TestMesh.metadata(tenant, ""))
                .setPrompt("int a = ")
                .setUser(user)
                .build())
        .getSuggestionId();
  }

  private void answer(String suggestion) {
    var unused =
        mesh.feedback()
            .recordFeedback(
                RecordFeedbackRequest.newBuilder()
                    .setMetadata(TestMesh.metadata("", "key-" + suggestion))
                    .setEvent(
                        FeedbackEvent.newBuilder()
                            .setSuggestionId(suggestion)
                            .setFollowUp(FollowUp.newBuilder().setText("and then")))
                    .build());
  }

  /** How many events there are on a suggestion. */
  private int get(String tenant, String suggestion) {
    return mesh.feedback()
        .getSuggestion(
            GetSuggestionRequest.newBuilder()
                .setMetadata(TestMesh.metadata(tenant, ""))
                .setSuggestionId(suggestion)
                .build())
        .getEventsCount();
  }

  private List<String> decisions() {
    List<String> ids = new ArrayList<>();
    mesh.feedback()
        .streamDecisions(StreamDecisionsRequest.getDefaultInstance())
        .forEachRemaining(
            answer -> ids.add(answer.getRecord().getSuggestion().getResponse().getSuggestionId()));
    return ids;
  }

  private List<String> records() {
    List<String> ids = new ArrayList<>();
    mesh.feedback()
        .streamTrainingRecords(StreamTrainingRecordsRequest.getDefaultInstance())
        .forEachRemaining(
            answer -> ids.add(answer.getRecord().getSuggestion().getResponse().getSuggestionId()));
    return ids;
  }

  private List<AuditEntry> trail() {
    return new PostgresAudit("policy", mesh.database).after(0, 100);
  }

  private static List<String> flaws(List<AuditEntry> entries) {
    AuditChain chain = new AuditChain();
    return entries.stream().flatMap(entry -> chain.add(entry).stream()).toList();
  }

  private void assertProved(DeleteUserDataResponse deleted, String action) {
    List<AuditEntry> trail = trail();
    assertThat(flaws(trail)).isEmpty();
    AuditEntry proof = trail.get((int) deleted.getAuditSequence() - 1);
    assertThat(proof.sha256()).isEqualTo(deleted.getAuditSha256());
    assertThat(proof.content())
        .contains(
            "\"action\": \"" + action + "\"",
            "\"actor\": \"Grace\"",
            "\"reason\": \"" + REASON + "\"",
            "\"ids_sha256\": \"" + deleted.getIdsSha256() + "\"")
        .doesNotContain("ada", "int a");
  }
}
