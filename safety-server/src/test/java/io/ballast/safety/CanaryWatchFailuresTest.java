package io.ballast.safety;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.policy.v1.CanaryOutcome;
import io.ballast.policy.v1.EndCanaryRequest;
import io.ballast.safety.testing.FakeCostModels;
import io.ballast.safety.testing.TestSafety;
import io.ballast.safety.v1.CanaryVerdict;
import io.ballast.safety.v1.CanaryWatch;
import io.ballast.safety.v1.CanaryWatchState;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.Timeout.ThreadMode;

/** A watch goes on where it was, counts nothing twice, and does not trust what it cannot see. */
@Timeout(value = 60, threadMode = ThreadMode.SEPARATE_THREAD)
class CanaryWatchFailuresTest extends CanaryCase {
  private static final Duration MAX_BLIND = Duration.ofMinutes(15);

  CanaryWatchFailuresTest() {
    super(Map.of("canary.when-held", "COMPLETE", "canary.least-decisions", "20"));
  }

  @Test
  void aRestartGoesOnWhereItWasAndCountsNothingTwice() {
    begin();
    show(3, "H");
    answer(2, true, false);
    advance(Duration.ofMinutes(5));
    CanaryWatch before = look();
    mesh.lookAtCanaries();

    try (TestSafety next = mesh.startBeside(Map.of())) {
      next.clock.advance(Duration.ofMinutes(5));
      assertThat(look(next).getCost()).isEqualTo(before.getCost());
      assertThat(watch(next).getCost().getCount()).isEqualTo(5);
      assertThat(watch(next).getAcceptShortfall()).isEqualTo(before.getAcceptShortfall());

      answer(1, true, false);
      canaries.clock.advance(Duration.ofMinutes(5));
      next.clock.advance(Duration.ofMinutes(5));
      CanaryWatch after = look(next);
      assertThat(after.getCost().getCount()).isEqualTo(6);
      assertThat(after.getAcceptShortfall().getCount()).isEqualTo(3);
    }
    assertThat(look().getCost().getCount()).as("the first sees it too").isEqualTo(6);
  }

  @Test
  void theTestsAreThoseOfOneThatNeverStopped() {
    begin();
    show(4, "H");
    mesh.lookAtCanaries();
    try (TestSafety next = mesh.startBeside(Map.of())) {
      show(1, "H"); // the fifth
      assertThat(look(next).getState()).isEqualTo(CanaryWatchState.CANARY_WATCH_STATE_ROLLED_BACK);
      assertThat(watch(next).getCost().getCount()).isEqualTo(5);
    }
  }

  @Test
  void ofTwoReplicasOneLooksAtATime() throws InterruptedException {
    begin();
    show(2, "= 1;");
    try (TestSafety other = mesh.startBeside(Map.of())) {
      mesh.costModels.hold();
      CompletableFuture<Void> first = CompletableFuture.runAsync(mesh::lookAtCanaries);
      mesh.costModels.awaitHeld();
      assertThat(look(other).getCost().getCount()).as("the first has the lease").isZero();
      assertThat(other.costModels.batches).isEmpty();

      mesh.costModels.release();
      first.join();
      assertThat(look(other).getCost().getCount()).isEqualTo(2);
      assertThat(other.costModels.batches).isEmpty();
    }
  }

  @Test
  void whatAReplicaWritesWhoseLeaseIsOverIsRefused() throws InterruptedException {
    begin();
    show(2, "= 1;");
    try (TestSafety other = mesh.startBeside(Map.of())) {
      mesh.costModels.hold();
      CompletableFuture<Void> first = CompletableFuture.runAsync(mesh::lookAtCanaries);
      mesh.costModels.awaitHeld();
      mesh.database.alter("update canary_watch set leased_until = now() - interval '1 second'");
      assertThat(look(other).getCost().getCount()).isEqualTo(2);

      mesh.costModels.release();
      first.join();
      CanaryWatch watch = look();
      assertThat(watch.getCost().getCount()).isEqualTo(2);
      assertThat(watch.getTrouble()).isEmpty();
    }
  }

  @Test
  void aRollbackThatTheServerDiesBeforeIsDoneByTheNext() {
    begin();
    show(5, "H");
    canaries.endsAway = true;
    CanaryWatch watch = look();
    assertThat(watch.getState()).isEqualTo(CanaryWatchState.CANARY_WATCH_STATE_ROLLING_BACK);
    assertThat(watch.getTrouble()).startsWith("policy-server: ");
    assertThat(watch.hasEndTime()).isFalse();
    assertThat(canaries.moves().getFirst().getKind()).isEqualTo("canary");

    show(50, "= 1;"); // it is decided, whatever comes now
    canaries.endsAway = false;
    try (TestSafety next = mesh.startBeside(Map.of())) {
      watch = look(next);
    }
    assertThat(watch.getState()).isEqualTo(CanaryWatchState.CANARY_WATCH_STATE_ROLLED_BACK);
    assertThat(watch.getCost().getCount()).isEqualTo(5);
    assertThat(watch.getTrouble()).isEmpty();
    EndCanaryRequest tried = canaries.ends.getFirst();
    assertThat(canaries.ends).as("the same request").hasSize(2).allMatch(tried::equals);
  }

  @Test
  void anAnswerThatWasLostIsSeenInTheAlias() {
    begin();
    show(5, "H");
    canaries.endsAway = true;
    String reason = look().getReason();
    canaries.move("canary_roll_back", reason);
    CanaryWatch watch = look();
    assertThat(watch.getState()).isEqualTo(CanaryWatchState.CANARY_WATCH_STATE_ROLLED_BACK);
    assertThat(canaries.ends).hasSize(1);
  }

  @Test
  void aPolicyServerThatWasAwayIsGoneOnWith() {
    begin();
    show(1, "= 1;");
    assertThat(look().getTrouble()).isEmpty();
    canaries.away = true;
    advance(MAX_BLIND.minusSeconds(1));
    CanaryWatch watch = look();
    assertThat(watch.getTrouble()).startsWith("policy-server: ");
    assertThat(watch.getState()).isEqualTo(CanaryWatchState.CANARY_WATCH_STATE_WATCHING);
    assertThat(mesh.meters.get("ballast.safety.canary.unread.seconds").gauge().value())
        .isEqualTo(899);

    canaries.away = false;
    advance(Duration.ofHours(1)); // nobody looked, and nothing fails now
    show(1, "= 1;");
    watch = look();
    assertThat(watch.getTrouble()).isEmpty();
    assertThat(watch.getCost().getCount()).isEqualTo(2);
    assertThat(watch.getState()).isEqualTo(CanaryWatchState.CANARY_WATCH_STATE_WATCHING);
    assertThat(mesh.meters.get("ballast.safety.canary.unread.seconds").gauge().value()).isZero();
  }

  @Test
  void aPolicyServerThatIsAwayForTooLongIsToldWhenItIsBack() {
    begin();
    mesh.lookAtCanaries();
    canaries.away = true;
    mesh.lookAtCanaries();
    advance(MAX_BLIND);
    CanaryWatch watch = look();
    assertThat(watch.getState()).isEqualTo(CanaryWatchState.CANARY_WATCH_STATE_ROLLING_BACK);

    canaries.away = false;
    watch = look();
    assertThat(watch.getState()).isEqualTo(CanaryWatchState.CANARY_WATCH_STATE_ROLLED_BACK);
    assertThat(watch.getVerdict()).isEqualTo(CanaryVerdict.CANARY_VERDICT_BLIND);
  }

  @Test
  void aLogThatCannotBeReadForTooLongRollsBack() {
    begin();
    show(2, "= 1;");
    mesh.lookAtCanaries();
    canaries.logAway = true;
    advance(Duration.ofHours(8)); // nobody looked: only looks that fail count
    assertThat(look().getState()).isEqualTo(CanaryWatchState.CANARY_WATCH_STATE_WATCHING);
    advance(MAX_BLIND.minusSeconds(1));
    assertThat(look().getState()).isEqualTo(CanaryWatchState.CANARY_WATCH_STATE_WATCHING);
    advance(Duration.ofSeconds(1));
    assertBlind(look(), "policy-server: ");
  }

  @Test
  void aJudgeThatFailsForTooLongRollsBack() {
    begin();
    try (TestSafety other = mesh.startBeside(Map.of())) {
      other.costModels.repack(FakeCostModels.TWO, "d".repeat(64));
      show(2, "= 1;");
      CanaryWatch watch = look(other);
      assertThat(watch.getTrouble())
          .startsWith("cost model java-cost/2 has the weights " + "2".repeat(64))
          .endsWith("as in the certificate)");
      assertThat(watch.getCost().getCount()).isZero();
      other.clock.advance(MAX_BLIND);
      assertBlind(look(other), "cost model java-cost/2 has the weights ");
    }
  }

  private void assertBlind(CanaryWatch watch, String failed) {
    assertThat(watch.getVerdict()).isEqualTo(CanaryVerdict.CANARY_VERDICT_BLIND);
    assertThat(watch.getState()).isEqualTo(CanaryWatchState.CANARY_WATCH_STATE_ROLLED_BACK);
    assertThat(watch.getReason())
        .startsWith("nothing of the canary could be read or judged for PT15M: " + failed);
    assertThat(canaries.ends).hasSize(1);
    assertThat(canaries.moves().getFirst().getKind()).isEqualTo("canary_roll_back");
    assertThat(canaries.moves().getFirst().getReason()).isEqualTo(watch.getReason());
  }

  @Test
  void oneThatHeldIsCompletedWhereThatIsSet() {
    begin();
    answer(96, true, true);
    advance(Duration.ofMinutes(5));
    CanaryWatch watch = look();
    assertThat(watch.getState()).isEqualTo(CanaryWatchState.CANARY_WATCH_STATE_COMPLETED);
    assertThat(watch.getVerdict()).isEqualTo(CanaryVerdict.CANARY_VERDICT_HELD);
    assertThat(watch.hasDecisionTime()).as("of a rollback").isFalse();
    assertThat(canaries.ends).hasSize(1);
    assertThat(canaries.ends.getFirst().getOutcome())
        .isEqualTo(CanaryOutcome.CANARY_OUTCOME_COMPLETE);
    assertThat(canaries.moves().getFirst().getToVersion()).isEqualTo("a");
  }

  @Test
  void oneThatMayNotBeCompletedIsWatchedOn() {
    begin();
    canaries.closed = true;
    answer(96, true, true);
    advance(Duration.ofDays(2)); // long unread, and read now
    CanaryWatch watch = look();
    assertThat(watch.getState()).isEqualTo(CanaryWatchState.CANARY_WATCH_STATE_WATCHING);
    assertThat(watch.getTrouble()).isEqualTo("policy-server: its certificate was revoked");

    show(10, "H");
    assertThat(look().getState()).isEqualTo(CanaryWatchState.CANARY_WATCH_STATE_WATCHING);
    show(1, "H"); // the eleventh
    assertThat(look().getVerdict()).isEqualTo(CanaryVerdict.CANARY_VERDICT_COST_OVER_LIMIT);
    assertThat(canaries.moves().getFirst().getKind()).isEqualTo("canary_roll_back");
  }

  @Test
  void aDatabaseThatIsAwayIsWaitedFor() {
    begin();
    show(2, "= 1;");
    mesh.lookAtCanaries();
    show(2, "= 1;");
    mesh.database.takeAway();
    CompletableFuture<Void> look = CompletableFuture.runAsync(mesh::lookAtCanaries);
    assertThat(look.handle((none, thrown) -> thrown).orTimeout(30, TimeUnit.SECONDS).join())
        .hasMessageContaining("the database cannot be reached");
    mesh.database.bringBack();
    assertThat(look().getCost().getCount()).isEqualTo(4);
    assertThat(canaries.ends).isEmpty();
  }
}
