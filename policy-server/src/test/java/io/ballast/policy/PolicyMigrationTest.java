package io.ballast.policy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import io.ballast.policy.core.feedback.FeedbackStore.Appended;
import io.ballast.policy.core.feedback.FeedbackStore.JoinedRecord;
import io.ballast.policy.core.feedback.PageLimit;
import io.ballast.policy.testing.FakeModels;
import io.ballast.policy.testing.StoredEvents;
import io.ballast.policy.testing.TestClock;
import io.ballast.policy.testing.TestDatabase;
import io.ballast.policy.testing.TestMesh;
import io.ballast.policy.v1.AliasMove;
import io.ballast.policy.v1.ListAliasesRequest;
import io.ballast.policy.v1.PolicyAlias;
import io.ballast.policy.v1.RollBackAliasRequest;
import io.ballast.policy.v1.StreamDecisionsRequest;
import io.ballast.policy.v1.StreamDecisionsResponse;
import io.ballast.policy.v1.SuggestionRecord;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.jdbi.v3.core.Handle;
import org.junit.jupiter.api.Test;

/**
 * What was stored before moves had leaves, canaries and folders, before decisions had places, and
 * before events had months, is there afterwards, and goes on.
 */
class PolicyMigrationTest {
  private static final OffsetDateTime BEFORE = TestClock.START.atOffset(ZoneOffset.UTC);

  @Test
  void aliasesAndDecisionsOfBeforeGoOn() {
    TestDatabase old = TestDatabase.asOf("2");
    old.jdbi().useTransaction(PolicyMigrationTest::moves);
    old.jdbi().useTransaction(PolicyMigrationTest::suggestions);

    old.migrate();

    FakeModels models = new FakeModels();
    for (String version : List.of("2", "3", "4")) {
      models.publish(version, request -> "suggestion by " + version + ";");
    }
    try (TestMesh mesh = TestMesh.startOn(models, old)) {
      PolicyAlias alias = serving(mesh);
      assertThat(alias.getVersion()).isEqualTo("3");
      assertThat(alias.getRevision()).isEqualTo(5);
      assertThat(alias.hasCanary()).isFalse();
      assertThat(alias.getMovesList())
          .extracting(
              AliasMove::getKind,
              AliasMove::getToVersion,
              AliasMove::getCertificateId,
              AliasMove::getRedemptionId,
              AliasMove::getFolderSha256)
          .containsExactly(
              tuple("promote", "3", "c3", "", ""),
              tuple("roll_back", "1", "", "", ""),
              tuple("break_glass", "2", "", "", ""),
              tuple("promote", "1", "c1", "", ""),
              tuple("create", "2", "", "", ""));
      assertThat(prompts(mesh)).containsExactly("first", "second");
      assertThat(mesh.suggest("new").getText()).isEqualTo("suggestion by 3;");
      assertThat(prompts(mesh)).containsExactly("first", "second", "new");

      // what was certified before folders were on record is gone back to whatever its folder
      mesh.safety.certificates.issue("c1", "1", "2");
      mesh.safety.certificates.issue("c3", "3", "1");
      var unused = mesh.models.repack("1", "another tokenizer");
      assertThat(
              mesh.versions()
                  .rollBackAlias(RollBackAliasRequest.getDefaultInstance())
                  .getAlias()
                  .getVersion())
          .isEqualTo("1");
      PolicyAlias moved = Promotions.promote(mesh, "1", "4");
      assertThat(moved.getRevision()).isEqualTo(7);
      assertThat(moved.getMoves(0).getFolderSha256())
          .isEqualTo(FakeModels.folderSha256Of(FakeModels.MODEL, "4"));
    }
  }

  @Test
  void whatWasKeptTogetherIsKeptByMonthAsItWas() {
    TestDatabase old = TestDatabase.asOf("15");
    old.jdbi().useTransaction(PolicyMigrationTest::threeMonths);
    List<String> before = old.jdbi().withHandle(PolicyMigrationTest::rows);
    assertThat(before).hasSize(7);

    old.migrate();

    List<String> after = old.jdbi().withHandle(PolicyMigrationTest::rows);
    assertThat(after).isEqualTo(before);
    List<String> places =
        old.jdbi()
            .withHandle(
                handle ->
                    handle
                        .createQuery(
                            """
                            select tableoid::regclass || ' ' || tenant from suggestion
                            union all
                            select tableoid::regclass || ' ' || idempotency_key
                            from feedback_event order by 1""")
                        .mapTo(String.class)
                        .list());
    assertThat(places)
        .containsExactly(
            "feedback_event_2024_01 january",
            "feedback_event_2024_02 february",
            "feedback_event_2024_03 early",
            "suggestion_2024_01 tenant",
            "suggestion_2024_02 tenant",
            "suggestion_2024_02 tenant",
            "suggestion_default tenant");
    StoredEvents stored = new StoredEvents(old);
    Instant now = Instant.parse("2024-02-29T12:00:00Z");
    UUID february = UUID.fromString("018de1a2-4000-7000-8000-000000000002");
    assertThat(stored.accept(february, now, "february"))
        .isEqualTo(new Appended.Repeated(new UUID(2, 2), "f2", true));
    assertThat(stored.accept(february, now, "new")).isInstanceOf(Appended.Kept.class);
    assertThat(stored.events.read("tenant", 7, Optional.empty(), new PageLimit(10, 1 << 20)))
        .extracting(JoinedRecord::position)
        .containsExactly(8L, 9L);
    long arrivals =
        old.jdbi()
            .withHandle(
                handle ->
                    handle
                        .createQuery("select max(arrival) from feedback_event")
                        .mapTo(Long.class)
                        .one());
    assertThat(arrivals).as("they go on where they were").isEqualTo(4);
  }

  /** Two months' suggestions and one of no time; events on them, and one that came early. */
  private static void threeMonths(Handle handle) {
    handle.execute(
        """
        insert into suggestion (suggestion_id, tenant, model, version, decision, reason, decided_at,
          body, position, person, shown_characters)
        values
          ('018cc9aa-d000-7000-8000-000000000001', 'tenant', 'm', '1', 'SHOW', 'SHOWN',
            '2024-01-02T11:00:00Z', '\\x01', 1, 'ada', 3),
          ('018de1a2-4000-7000-8000-000000000002', 'tenant', 'm', '1', 'SHOW', 'SHOWN',
            '2024-02-25T20:00:00Z', '\\x02', 2, '', null),
          ('018de1a2-4000-7000-8000-000000000003', 'tenant', 'm', '1', 'WITHHOLD', 'GATE',
            '2024-02-25T20:00:00Z', '\\x03', null, '', null),
          ('00000000-0000-4000-8000-000000000004', 'tenant', 'm', '1', 'SHOW', 'SHOWN',
            '2024-02-25T20:00:00Z', '\\x04', null, '', null)""");
    handle.execute("select setval('decision_position', 2), setval('training_position', 7)");
    handle.execute(
        """
        insert into feedback_event (event_id, tenant, idempotency_key, fingerprint, suggestion_id,
          kind, received_at, body, position)
        values
          ('00000000-0000-0001-0000-000000000001', 'tenant', 'january', 'f1',
            '018cc9aa-d000-7000-8000-000000000001', 'ACCEPTED', '2024-02-03T00:00:00Z', '\\x05', 7),
          ('00000000-0000-0002-0000-000000000002', 'tenant', 'february', 'f2',
            '018de1a2-4000-7000-8000-000000000002', 'REJECTED', '2024-02-25T21:00:00Z', '\\x06',
            null),
          ('00000000-0000-0003-0000-000000000003', 'tenant', 'early', 'f3',
            '018df750-0000-7000-8000-000000000005', 'EDITED', '2024-03-01T00:00:00Z', '\\x07',
            null)""");
  }

  /** All that both tables have, whichever columns are where. */
  private static List<String> rows(Handle handle) {
    return handle
        .createQuery(
            """
            select row(suggestion_id, tenant, model, version, decision, reason, decided_at, body,
              arrival, position, person, shown_characters)::text
            from suggestion
            union all
            select row(event_id, tenant, idempotency_key, suggestion_id, kind, received_at, body,
              arrival, position)::text
            from feedback_event order by 1""")
        .mapTo(String.class)
        .list();
  }

  private static void moves(Handle handle) {
    for (String version : List.of("1", "2", "3")) {
      handle.execute(
          """
          insert into policy_version (model, version, weights_sha256, parent_version, run_id,
            registered_at, parameters_count, context_tokens)
          values ('java-tiny', ?, ?, '', '', ?, 1, 64)""",
          version,
          FakeModels.sha256(version),
          BEFORE);
    }
    handle.execute("insert into policy_alias values ('java-tiny', 'serving', '2', 1)");
    move(handle, 1, "", "2", "create", "");
    move(handle, 2, "2", "1", "promote", "c1");
    move(handle, 3, "1", "2", "break_glass", "");
    move(handle, 4, "2", "1", "roll_back", "");
    move(handle, 5, "1", "3", "promote", "c3");
  }

  /** As the code of that time moved an alias. */
  private static void move(
      Handle handle, long revision, String from, String to, String kind, String certificate) {
    if (revision > 1) {
      handle.execute("update policy_alias set version = ?, revision = ?", to, revision);
    }
    boolean broken = kind.equals("break_glass");
    handle.execute(
        """
        insert into policy_alias_move (model, alias, revision, from_version, to_version, moved_at,
          certificate_id, kind, actor, reason, tenant, request_id, fingerprint)
        values ('java-tiny', 'serving', ?, ?, ?, ?, ?, ?, ?, ?, '', '', '')""",
        revision,
        from,
        to,
        BEFORE,
        certificate,
        kind,
        broken ? "somebody" : "",
        broken ? "in an emergency" : "");
  }

  private static void suggestions(Handle handle) {
    for (String prompt : List.of("first", "second")) {
      UUID id = UUID.nameUUIDFromBytes(prompt.getBytes(StandardCharsets.UTF_8));
      handle.execute(
          """
          insert into suggestion (suggestion_id, tenant, model, version, decision, reason,
            decided_at, body)
          values (?, 'default', 'java-tiny', '1', 'SHOW', 'SHOWN', ?, ?)""",
          id,
          BEFORE,
          SuggestionRecord.newBuilder()
              .setTenant("default")
              .setPrompt(prompt)
              .build()
              .toByteArray());
    }
  }

  private static PolicyAlias serving(TestMesh mesh) {
    return mesh.versions().listAliases(ListAliasesRequest.getDefaultInstance()).getAliases(0);
  }

  private static List<String> prompts(TestMesh mesh) {
    List<StreamDecisionsResponse> all = new ArrayList<>();
    mesh.feedback()
        .streamDecisions(StreamDecisionsRequest.getDefaultInstance())
        .forEachRemaining(all::add);
    return all.stream().map(d -> d.getRecord().getSuggestion().getPrompt()).toList();
  }
}
