package io.ballast.policy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.policy.testing.TestMesh;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What code might forget, the database refuses: no alias moves without its move on record. */
class GuardedAliasesTest {
  private final TestMesh mesh = TestMesh.start();

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
    return """
        insert into policy_alias_move (model, alias, revision, from_version, to_version, moved_at,
          certificate_id, kind, tenant, request_id, fingerprint)
        values ('java-tiny', 'serving', 2, '1', '2', now(), '%s', '%s', '', '', '')"""
        .formatted(certificate, kind);
  }

  @Test
  void anAliasIsNotMovedByItself() {
    assertRefused(
        "update policy_alias set revision = 2", "alias serving of java-tiny has no move 2 to 1");
  }

  @Test
  void movesAreOnRecordForGood() {
    assertRefused("delete from policy_alias_move", "moves of aliases are on record for good");
    assertRefused(
        "update policy_alias_move set certificate_id = 'of another'",
        "moves of aliases are on record for good");
  }

  @ParameterizedTest
  @CsvSource({"promote,''", "break_glass,''", "create,''", "other,c"})
  void aMoveSaysWhatAllowedIt(String kind, String certificate) {
    assertRefused(move(kind, certificate), "policy_alias_move_allowed");
  }

  @Test
  void whatNeverServedIsNotRolledBackTo() {
    assertRefused(
        move("roll_back", ""),
        "alias serving of java-tiny never pointed to 2: nothing to roll back to");
  }
}
