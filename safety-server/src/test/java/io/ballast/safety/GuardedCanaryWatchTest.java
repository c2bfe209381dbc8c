package io.ballast.safety;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.safety.v1.CanaryWatch;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

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

  @ParameterizedTest
  @ValueSource(
      strings = {
        "update canary_observation set value = 0",
        "delete from canary_observation",
        "truncate canary_observation"
      })
  void observationsStay(String statement) {
    assertRefused(statement, "rows of canary_observation are on record for good");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "cost_limit = 0.9",
        "alpha = 0.9",
        "accept_margin = 0.9",
        "cost_sha256 = 'f'",
        "when_held = 'COMPLETE'",
        "max_blind_ms = 1",
        "certificate_id = gen_random_uuid()",
        "started_at = now()"
      })
  void whatWasFixedStays(String change) {
    assertRefused("update canary_watch set " + change, STAYS);
  }

  @Test
  void watchesStay() {
    assertRefused("delete from canary_watch", STAYS);
    assertRefused("truncate canary_watch cascade", "are on record for good");
  }

  @ParameterizedTest
  @ValueSource(strings = {"cost_mean = 0", "verdict = 'HELD'", "decided_at = null", "reason = ''"})
  void aDecisionIsFinal(String change) {
    canaries.endsAway = true;
    show(3, "H");
    mesh.lookAtCanaries();
    assertRefused("update canary_watch set " + change, STAYS);
    assertRefused(insert(), " is over");
  }

  @ParameterizedTest
  @ValueSource(strings = {"state = 'WATCHING', ended_at = null", "trouble = 'x'", "claim = 0"})
  void anEndIsFinal(String change) {
    canaries.move("canary_roll_back", "somebody complained");
    mesh.lookAtCanaries();
    assertRefused("update canary_watch set " + change, STAYS);
    assertRefused(insert(), " is over");
  }

  @Test
  void aSuggestionCountsOnce() {
    assertRefused(insert(), "duplicate key");
    CanaryWatch watch = look();
    assertThat(watch.getCost().getCount()).isEqualTo(2);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "insert into canary_observation (watch_id, kind, suggestion_id, arm, value, missing) select watch_id, 'COST', gen_random_uuid(), 'CANARY', 1.5, false from canary_watch",
        "insert into canary_observation (watch_id, kind, suggestion_id, arm, value, missing) select watch_id, 'COST', gen_random_uuid(), 'CANARY', 0.5, true from canary_watch",
        "insert into canary_observation (watch_id, kind, suggestion_id, arm, value, missing) select watch_id, 'COST', gen_random_uuid(), 'CONTROL', 0.5, false from canary_watch",
        "insert into canary_observation (watch_id, kind, suggestion_id, arm, value, missing) select watch_id, 'ACCEPT', gen_random_uuid(), 'CANARY', 0.5, false from canary_watch",
        "update canary_watch set state = 'ROLLED_BACK'",
        "update canary_watch set state = 'ROLLING_BACK'",
        "update canary_watch set decided_at = now()"
      })
  void whatCannotBeIsRefused(String statement) {
    assertRefused(statement, "violates check constraint");
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
