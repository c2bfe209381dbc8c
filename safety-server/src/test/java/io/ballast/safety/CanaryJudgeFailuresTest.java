package io.ballast.safety;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.policy.v1.AliasCanary;
import io.ballast.policy.v1.AliasMove;
import io.ballast.policy.v1.PolicyAlias;
import io.ballast.safety.testing.FakePolicyServer;
import io.ballast.safety.testing.TestSafety;
import io.ballast.safety.v1.CanaryVerdict;
import io.ballast.safety.v1.CanaryWatch;
import io.ballast.safety.v1.CanaryWatchState;
import io.ballast.safety.v1.ListCanaryWatchesRequest;
import io.ballast.testing.Await;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.Timeout.ThreadMode;

/** What is the judge's own fault, or the watch's, is never the canary's. */
@Timeout(value = 60, threadMode = ThreadMode.SEPARATE_THREAD)
class CanaryJudgeFailuresTest extends CanaryCase {
  private static final Duration MAX_BLIND = Duration.ofMinutes(15);

  CanaryJudgeFailuresTest() {
    super(Map.of());
  }

  @Test
  void aJudgeThatFailsAtAllIsWaitedFor() {
    begin();
    show(6, "= 1;");
    mesh.costModels.failing = true;
    for (int i = 0; i < 3; i++) {
      CanaryWatch watch = look();
      assertThat(watch.getTrouble()).startsWith("no cost: ").endsWith("failed: out of memory");
      assertThat(watch.getState()).isEqualTo(CanaryWatchState.CANARY_WATCH_STATE_WATCHING);
      assertThat(watch.getCost().getCount()).isZero();
    }

    mesh.costModels.failing = false;
    CanaryWatch watch = look();
    assertThat(watch.getTrouble()).isEmpty();
    assertThat(watch.getCost().getCount()).isEqualTo(6);
    assertThat(watch.getMissingCostsCount()).isZero();
  }

  @Test
  void aJudgeThatFailsAtAllForTooLongIsBlind() {
    begin();
    show(6, "= 1;");
    mesh.costModels.failing = true;
    mesh.lookAtCanaries();
    advance(MAX_BLIND);
    CanaryWatch watch = look();
    assertThat(watch.getVerdict()).isEqualTo(CanaryVerdict.CANARY_VERDICT_BLIND);
    assertThat(watch.getReason()).contains("PT15M: no cost: ").endsWith("out of memory");
  }

  @Test
  void whatItFailsAtAgainAloneCountsAsHarm() {
    begin();
    show(1, "T");
    show(2, "= 1;");
    CanaryWatch watch = look();
    assertThat(watch.getTrouble()).endsWith("failed: out of memory");
    assertThat(watch.getCost().getCount()).isZero();
    watch = look();
    assertThat(watch.getTrouble()).isEmpty();
    assertThat(watch.getCost().getCount()).isEqualTo(3);
    assertThat(watch.getMissingCostsCount()).isEqualTo(1);
  }

  @Test
  void aSlowReadLeavesTheJudgeAWholeLease() throws InterruptedException {
    begin();
    show(2, "= 1;");
    canaries.onRead =
        () -> mesh.database.alter("update canary_watch set leased_until = clock_timestamp()");
    try (TestSafety other = mesh.startBeside(Map.of())) {
      mesh.costModels.hold();
      CompletableFuture<Void> first = CompletableFuture.runAsync(mesh::lookAtCanaries);
      mesh.costModels.awaitHeld();
      assertThat(look(other).getCost().getCount()).isZero();
      assertThat(other.costModels.batches).as("the first has it").isEmpty();
      mesh.costModels.release();
      first.join();
    }
    assertThat(watch(mesh).getCost().getCount()).isEqualTo(2);
  }

  @Test
  void troubleOfBeforeAGapInWhichNobodyLookedIsForgotten() {
    begin();
    mesh.lookAtCanaries();
    canaries.away = true;
    mesh.lookAtCanaries();
    mesh.database.alter(
        "update canary_watch set leased_until = clock_timestamp() - interval '8 hours'");
    advance(Duration.ofHours(8));
    assertThat(look().getState()).isEqualTo(CanaryWatchState.CANARY_WATCH_STATE_WATCHING);
    advance(MAX_BLIND.minusSeconds(1));
    assertThat(look().getState()).isEqualTo(CanaryWatchState.CANARY_WATCH_STATE_WATCHING);
    advance(Duration.ofSeconds(1));
    assertThat(look().getState()).isEqualTo(CanaryWatchState.CANARY_WATCH_STATE_ROLLING_BACK);
  }

  @Test
  void aLookThatReadsAllItMayHasNoTrouble() {
    begin();
    try (TestSafety narrow = mesh.startBeside(Map.of("max-items", "1"))) {
      canaries.logAway = true;
      assertThat(look(narrow).getTrouble()).startsWith("policy-server: ");
      canaries.logAway = false;
      for (int i = 0; i < 501; i++) {
        canaries.shown(CONTROL, "= 1;", null);
      }
      CanaryWatch watch = look(narrow);
      assertThat(watch.getTrouble()).isEmpty();
      canaries.logAway = true;
      canaries.clock.advance(MAX_BLIND);
      narrow.clock.advance(MAX_BLIND);
      assertThat(look(narrow).getState()).isEqualTo(CanaryWatchState.CANARY_WATCH_STATE_WATCHING);
    }
  }

  @Test
  void aBreachThatIsOnRecordIsDecidedThoughTheLogIsAway() {
    begin();
    show(4, "H");
    String id = look().getWatchId();
    mesh.database.alter(
        """
        insert into canary_observation (watch_id, kind, suggestion_id, arm, value, missing)
        values ('%s', 'COST', gen_random_uuid(), 'CANARY', 1, false)"""
            .formatted(id));
    canaries.logAway = true;
    CanaryWatch watch = look();
    assertThat(watch.getVerdict()).isEqualTo(CanaryVerdict.CANARY_VERDICT_COST_OVER_LIMIT);
    assertThat(watch.getState()).isEqualTo(CanaryWatchState.CANARY_WATCH_STATE_ROLLED_BACK);
  }

  @Test
  void oneThatCannotBeWatchedIsToldAndKeepsNoOtherFromIt() {
    begin();
    canaries.other = alias("beta", "not-a-uuid", 0.25);
    assertThat(look().getAlias()).isEqualTo("serving");
    assertThat(unwatched()).isEqualTo(1);

    canaries.other = alias("beta", watch(mesh).getCertificateId(), 0); // no share is none
    show(2, "= 1;");
    assertThat(look().getCost().getCount()).isEqualTo(2);
    assertThat(unwatched()).isEqualTo(1);

    canaries.other = null;
    mesh.lookAtCanaries();
    assertThat(unwatched()).isZero();
  }

  /** A policy-server that is away wakes nobody for canaries: that it is away does. */
  @Test
  void aModelThatCannotBeAskedIsNoCanaryThatNobodyWatches() {
    begin();
    mesh.lookAtCanaries();
    canaries.away = true;
    mesh.lookAtCanaries();
    assertThat(unwatched()).isZero();
    assertThat(unasked()).isEqualTo(1);

    canaries.away = false;
    canaries.other = alias("beta", "not-a-uuid", 0.25);
    mesh.lookAtCanaries();
    assertThat(unwatched()).isEqualTo(1);
    assertThat(unasked()).isZero();
    canaries.away = true; // it serves all the same
    mesh.lookAtCanaries();
    mesh.lookAtCanaries();
    assertThat(unwatched()).isEqualTo(1);
    assertThat(unasked()).isEqualTo(1);

    canaries.away = false;
    canaries.other = null;
    mesh.lookAtCanaries();
    assertThat(unwatched()).isZero();
    assertThat(unasked()).isZero();
  }

  @Test
  void whereNoneIsWatchedThoseThatServeAreCounted() {
    begin();
    try (TestSafety off = mesh.startBeside(Map.of("canary.watch", "false"))) {
      assertThat(unwatched(off)).isZero();
      off.watchCanaries();
      Await.until(() -> unwatched(off) == 1);
      assertThat(
              off.safety()
                  .listCanaryWatches(ListCanaryWatchesRequest.getDefaultInstance())
                  .getWatchesCount())
          .as("watches")
          .isZero();

      mesh.lookAtCanaries(); // another of the mesh watches it, and does not count it
      off.lookAtCanaries();
      assertThat(unwatched()).isZero();
      assertThat(unwatched(off)).isEqualTo(1);
      show(4, "H");
      off.lookAtCanaries();
      assertThat(watch(off).getCost().getCount()).isZero();

      canaries.move("canary_roll_back", "nobody watches it");
      off.lookAtCanaries();
      assertThat(unwatched(off)).isZero();
    }
  }

  @Test
  void aCertificateThatPromisesNothingIsWatchedByALimitOfItsOwn() {
    begin();
    mesh.database.alter("update certificate set threshold = 1");
    mesh.lookAtCanaries();
    assertThat(unwatched()).isEqualTo(1);
    try (TestSafety limited = mesh.startBeside(Map.of("canary.cost-limit", "0.2"))) {
      assertThat(look(limited).getTerms().getCostLimit()).isEqualTo(0.2);
    }
    mesh.lookAtCanaries();
    assertThat(unwatched()).isZero();
  }

  @Test
  void aWatchThatCannotBeLookedAtKeepsNoOtherFromIt() {
    begin();
    canaries.other = alias("beta", canaries.moves().getFirst().getCertificateId(), 0.25);
    mesh.lookAtCanaries(); // beta's is the first of both
    assertThat(unwatched()).isZero();
    mesh.database.alter("alter table canary_watch drop constraint canary_watch_alpha_check");
    mesh.database.alter("update canary_watch set alpha = 2 where alias = 'beta'");
    show(2, "= 1;");
    assertThat(look().getAlias()).isEqualTo("serving");
    assertThat(watch(mesh).getCost().getCount()).isEqualTo(2);
    assertThat(unwatched()).isEqualTo(1);
  }

  private static PolicyAlias alias(String name, String certificate, double share) {
    return PolicyAlias.newBuilder()
        .setModel(FakePolicyServer.MODEL)
        .setAlias(name)
        .setVersion("b")
        .setRevision(1)
        .addMoves(
            AliasMove.newBuilder()
                .setKind("canary")
                .setToVersion("b")
                .setCertificateId(certificate)
                .setCanaryVersion("a")
                .setCanaryShare(share))
        .setCanary(AliasCanary.newBuilder().setVersion("a").setShare(share).setStartRevision(1))
        .build();
  }
}
