package io.ballast.safety;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.safety.v1.CanaryWatch;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What a watch rests on and what it decided stay as they are: the database refuses the rest. */
class GuardedCanaryWatchTest extends CanaryCase {
  private static final String STAYS = "rows of canary_watch are on record for good";

  GuardedCanaryWatchTest() {
    super(Map.of());
  }

  @BeforeEach
  void watch() {
    begin();
    show(2, "H");
    mesh.lookAtCanaries();
  }

  @Test
  void observationsStay() {
    assertThat(
            List.of(
                "update canary_observation set value = 0",
                "delete from canary_observation",
                "truncate canary_observation"))
        .allSatisfy(
            statement ->
                assertRefused(statement, "rows of canary_observation are on record for good"));
  }

  @Test
  void whatWasFixedStays() {
    assertThat(
            List.of(
                "cost_limit = 0.9",
                "alpha = 0.9",
                "accept_margin = 0.9",
                "cost_sha256 = 'f'",
                "when_held = 'COMPLETE'",
                "max_blind_ms = 1",
                "certificate_id = gen_random_uuid()",
                "started_at = now()"))
        .allSatisfy(change -> assertRefused("update canary_watch set " + change, STAYS));
  }

  @Test
  void watchesStay() {
    assertRefused("delete from canary_watch", STAYS);
    assertRefused("truncate canary_watch cascade", "are on record for good");
  }

  @Test
  void aDecisionIsFinal() {
    canaries.endsAway = true;
    show(3, "H");
    mesh.lookAtCanaries();
    assertThat(List.of("cost_mean = 0", "verdict = 'HELD'", "decided_at = null", "reason = ''"))
        .allSatisfy(change -> assertRefused("update canary_watch set " + change, STAYS));
    assertRefused(insert(), " is over");
  }

  @Test
  void anEndIsFinal() {
    canaries.move("canary_roll_back", "somebody complained");
    mesh.lookAtCanaries();
    assertThat(List.of("state = 'WATCHING', ended_at = null", "trouble = 'x'", "claim = 0"))
        .allSatisfy(change -> assertRefused("update canary_watch set " + change, STAYS));
    assertRefused(insert(), " is over");
  }

  @Test
  void aSuggestionCountsOnce() {
    assertRefused(insert(), "duplicate key");
    CanaryWatch watch = look();
    assertThat(watch.getCost().getCount()).isEqualTo(2);
  }

  @Test
  void whatCannotBeIsRefused() {
    assertThat(
            List.of(
                "insert into canary_observation (watch_id, kind, suggestion_id, arm, value,"
                    + " missing) select watch_id, 'COST', gen_random_uuid(), 'CANARY', 1.5, false"
                    + " from canary_watch",
                "insert into canary_observation (watch_id, kind, suggestion_id, arm, value,"
                    + " missing) select watch_id, 'COST', gen_random_uuid(), 'CANARY', 0.5, true"
                    + " from canary_watch",
                "insert into canary_observation (watch_id, kind, suggestion_id, arm, value,"
                    + " missing) select watch_id, 'COST', gen_random_uuid(), 'CONTROL', 0.5, false"
                    + " from canary_watch",
                "insert into canary_observation (watch_id, kind, suggestion_id, arm, value,"
                    + " missing) select watch_id, 'ACCEPT', gen_random_uuid(), 'CANARY', 0.5, false"
                    + " from canary_watch",
                "update canary_watch set state = 'ROLLED_BACK'",
                "update canary_watch set state = 'ROLLING_BACK'",
                "update canary_watch set decided_at = now()"))
        .allSatisfy(statement -> assertRefused(statement, "violates check constraint"));
  }

  private static String insert() {
    return "insert into canary_observation (watch_id, kind, suggestion_id, arm, value, missing)"
        + " select watch_id, kind, suggestion_id, arm, value, missing from canary_observation";
  }

  private void assertRefused(String statement, String words) {
    assertThatThrownBy(() -> mesh.database.jdbi().useHandle(handle -> handle.execute(statement)))
        .hasMessageContaining(words);
  }
}
