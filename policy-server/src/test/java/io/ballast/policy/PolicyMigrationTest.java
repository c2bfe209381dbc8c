package io.ballast.policy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import io.ballast.policy.testing.FakeModels;
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
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.jdbi.v3.core.Handle;
import org.junit.jupiter.api.Test;

/**
 * What was stored before moves had leaves, canaries and folders, and before decisions had places,
 * is there afterwards, and goes on.
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
