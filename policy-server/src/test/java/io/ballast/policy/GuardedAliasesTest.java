package io.ballast.policy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.policy.testing.FakeModels;
import io.ballast.policy.testing.TestMesh;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What code might forget, the database refuses: no alias moves without its move on record. */
class GuardedAliasesTest {
  private final FakeModels models = new FakeModels();
  private final TestMesh mesh;

  GuardedAliasesTest() {
    models.publish("2", request -> "suggestion by 2;");
    mesh = TestMesh.start(models);
  }

  @AfterEach
  void close() {
    mesh.close();
  }

  private void assertRefused(String sql, String why) {
    assertThatThrownBy(() -> mesh.database.jdbi().useHandle(handle -> handle.execute(sql)))
        .rootCause()
        .hasMessageContaining(why);
    String kept =
        mesh.database
            .jdbi()
            .withHandle(
                handle ->
                    handle
                        .createQuery("select version || ' ' || revision from policy_alias")
                        .mapTo(String.class)
                        .one());
    assertThat(kept).isEqualTo("1 1");
  }

  private static String move(String kind, String certificate) {
    return move(2, "1", kind, certificate);
  }

  private static String move(int revision, String from, String kind, String certificate) {
    return """
        insert into policy_alias_move (model, alias, revision, from_version, to_version, moved_at,
          certificate_id, redemption_id, kind, tenant, request_id, fingerprint)
        values ('java-tiny', 'serving', %d, '%s', '2', now(), '%s', '%s', '%s', '', '', '')"""
        .formatted(revision, from, certificate, kind.equals("promote") ? "leave" : "", kind);
  }

  @Test
  void anAliasIsNotMovedByItself() {
    assertRefused(
        "update policy_alias set revision = 2", "alias serving of java-tiny has no move 2 to 1");
  }

  @Test
  void anAliasGoesToItsNextMoveAndNowhereElse() {
    assertRefused(
        "update policy_alias set version = '2'",
        "alias serving of java-tiny goes from revision 1 to 1 (expected: 2)");
    assertRefused(
        "update policy_alias set revision = 3",
        "alias serving of java-tiny goes from revision 1 to 3 (expected: 2)");
    assertRefused(
        "insert into policy_alias values ('java-tiny', 'new', '1', 2)",
        "alias new of java-tiny begins at revision 2 (expected: 1)");
    assertRefused(
        "update policy_alias set alias = 'other', revision = 2",
        "alias serving of java-tiny goes from revision 1 to 2");
  }

  @Test
  void anAliasDoesNotGoBackToAnEarlierMove() {
    Promotions.promote(mesh, "1", "2");
    assertThatThrownBy(
            () ->
                mesh.database
                    .jdbi()
                    .useHandle(
                        handle ->
                            handle.execute("update policy_alias set version = '1', revision = 1")))
        .rootCause()
        .hasMessageContaining("alias serving of java-tiny goes from revision 2 to 1 (expected: 3)");
  }

  @Test
  void aMoveFollowsTheOneBeforeItAndIsMade() {
    assertRefused(
        move(2, "9", "promote", "c"),
        "move 2 of alias serving of java-tiny does not begin where the one before it ended: 9");
    assertRefused(
        move(3, "1", "promote", "c"),
        "move 3 of alias serving of java-tiny does not begin where the one before it ended: 1");
    assertRefused(move("promote", "c"), "move 2 of alias serving of java-tiny was not made");
  }

  @Test
  void recordsStayForGood() {
    assertRefused("delete from policy_alias_move", "moves of aliases are on record for good");
    assertRefused(
        "update policy_alias_move set certificate_id = 'of another'",
        "moves of aliases are on record for good");
    assertRefused("truncate policy_alias_move", "moves of aliases are on record for good");
    assertRefused("truncate policy_alias cascade", "aliases are on record for good");
    assertRefused("truncate policy_version cascade", "aliases are on record for good");
    assertRefused("delete from policy_alias", "aliases are on record for good");
  }

  @ParameterizedTest
  @CsvSource({"promote,''", "break_glass,''", "create,''", "other,c"})
  void aMoveSaysWhatAllowedIt(String kind, String certificate) {
    assertRefused(move(kind, certificate), "policy_alias_move_allowed");
  }

  @Test
  void aPromotionNamesItsLeave() {
    assertRefused(move("promote", "c").replace("'leave'", "''"), "policy_alias_move_redeemed");
  }

  @Test
  void aCanaryIsEndedOnlyWhereOneBegan() {
    assertRefused(
        """
        insert into policy_alias_move (model, alias, revision, from_version, to_version, moved_at,
          certificate_id, redemption_id, kind, reason, canary_version, canary_share, tenant,
          request_id, fingerprint)
        values ('java-tiny', 'serving', 2, '1', '2', now(), 'c', 'leave', 'canary_complete',
          'because it may', '2', 500, '', '', '')""",
        "alias serving of java-tiny has no canary of 2 to end");
  }

  @Test
  void aCanaryLeavesTheAliasWhereItIs() {
    assertRefused(
        """
        insert into policy_alias_move (model, alias, revision, from_version, to_version, moved_at,
          certificate_id, redemption_id, kind, canary_version, canary_share, tenant, request_id,
          fingerprint)
        values ('java-tiny', 'serving', 2, '1', '2', now(), 'c', 'leave', 'canary', '2', 500, '',
          '', '')""",
        "policy_alias_move_allowed");
  }

  @Test
  void aRollbackGoesBackToTheFolderThatWasCertified() {
    Promotions.promote(mesh, "1", "2");
    Promotions.promote(mesh, "2", "1");
    String back =
        """
        insert into policy_alias_move (model, alias, revision, from_version, to_version, moved_at,
          certificate_id, folder_sha256, kind, tenant, request_id, fingerprint)
        values ('java-tiny', 'serving', 4, '1', '2', now(), '', '%s', 'roll_back', '', '', '')""";

    assertThatThrownBy(() -> execute(back.formatted("a".repeat(64))))
        .rootCause()
        .hasMessageContaining(
            "version 2 of java-tiny was certified with folder %s (said: %s)"
                .formatted(FakeModels.folderSha256Of("java-tiny", "2"), "a".repeat(64)));
    // one who does not say it, as a replica of before would not, gets it filled in
    String filled =
        mesh.database
            .jdbi()
            .inTransaction(
                handle -> {
                  handle.execute("update policy_alias set version = '2', revision = 4");
                  handle.execute(back.formatted(""));
                  return handle
                      .createQuery("select folder_sha256 from policy_alias_move where revision = 4")
                      .mapTo(String.class)
                      .one();
                });
    assertThat(filled).isEqualTo(FakeModels.folderSha256Of("java-tiny", "2"));
  }

  @Test
  void aCertificateMovesAnAliasOnce() {
    Promotions.promote(mesh, "1", "2");
    Promotions.promote(mesh, "2", "1");

    assertThatThrownBy(() -> execute(move(4, "1", "promote", "certificate-of-2")))
        .rootCause()
        .hasMessageContaining(
            "certificate certificate-of-2 has moved alias serving of java-tiny before");
  }

  @Test
  void onlyWhatWasCertifiedHasAFolder() {
    assertRefused(
        move("break_glass", "")
            .replace(
                "certificate_id, redemption_id",
                "actor, reason, certificate_id, folder_sha256, redemption_id")
            .replace("now(), ''", "now(), 'someone', 'in need', '', '" + "a".repeat(64) + "'"),
        "policy_alias_move_folder");
    assertRefused(
        move("promote", "c")
            .replace(
                "certificate_id, redemption_id", "certificate_id, folder_sha256, redemption_id")
            .replace("'c'", "'c', 'A7'"),
        "policy_alias_move_folder");
  }

  @Test
  void aRollbackMoves() {
    Promotions.promote(mesh, "1", "2");
    Promotions.promote(mesh, "2", "1");
    assertThatThrownBy(
            () ->
                execute(
                    """
                    insert into policy_alias_move (model, alias, revision, from_version, to_version,
                      moved_at, certificate_id, kind, tenant, request_id, fingerprint)
                    values ('java-tiny', 'serving', 4, '1', '1', now(), '', 'roll_back', '', '', '')"""))
        .rootCause()
        .hasMessageContaining("policy_alias_move_goes_elsewhere");
  }

  @Test
  void aVersionStaysWhatItIs() {
    assertRefused(
        "update policy_version set weights_sha256 = repeat('a', 64)",
        "versions are on record for good");
    assertRefused("delete from policy_version", "versions are on record for good");
  }

  private void execute(String sql) {
    mesh.database.jdbi().useHandle(handle -> handle.execute(sql));
  }

  @Test
  void whatNeverServedIsNotRolledBackTo() {
    assertRefused(
        move("roll_back", ""),
        "alias serving of java-tiny never pointed to 2: nothing to roll back to");
  }
}
