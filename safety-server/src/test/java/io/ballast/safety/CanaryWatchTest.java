package io.ballast.safety;

import static io.ballast.testing.Refusals.assertMalformed;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.ballast.mesh.v1.ModelVersion;
import io.ballast.policy.v1.CanaryArm;
import io.ballast.policy.v1.CanaryNumbers;
import io.ballast.policy.v1.CanaryOutcome;
import io.ballast.policy.v1.Decision;
import io.ballast.policy.v1.EndCanaryRequest;
import io.ballast.safety.testing.FakeCostModels;
import io.ballast.safety.v1.BoundMethod;
import io.ballast.safety.v1.CanaryMean;
import io.ballast.safety.v1.CanaryVerdict;
import io.ballast.safety.v1.CanaryWatch;
import io.ballast.safety.v1.CanaryWatchState;
import io.ballast.safety.v1.CanaryWhenHeld;
import io.ballast.safety.v1.ListCanaryWatchesRequest;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** A canary is watched from its beginning, and rolled back as soon as it is shown to do harm. */
class CanaryWatchTest extends CanaryCase {
  private static final Duration FEEDBACK_WAIT = Duration.ofMinutes(5);

  CanaryWatchTest() {
    super(Map.of("canary.least-decisions", "20", "canary.horizon", "PT1H"));
  }

  @Test
  void whatIsFixedIsThatOfTheCertificateAndTheProperties() {
    long revision = begin();
    CanaryWatch watch = look();

    assertThat(watch.getModel()).isEqualTo("java-tiny");
    assertThat(watch.getAlias()).isEqualTo("serving");
    assertThat(watch.getStartRevision()).isEqualTo(revision);
    assertThat(watch.getCanaryVersion()).isEqualTo("a");
    assertThat(watch.getControlVersion()).isEqualTo("b");
    assertThat(watch.getShare()).isEqualTo(0.25);
    assertThat(watch.getTerms().getCostModel())
        .isEqualTo(
            ModelVersion.newBuilder()
                .setModel("java-cost")
                .setVersion("2")
                .setWeightsSha256("2".repeat(64))
                .build());
    assertThat(watch.getTerms().getCostLimit()).isEqualTo(0.3);
    assertThat(watch.getTerms().getBinaryCost()).isFalse();
    assertThat(watch.getTerms().getAcceptMargin()).isEqualTo(0.05);
    assertThat(watch.getTerms().getAlpha()).isEqualTo(0.05);
    assertThat(watch.getTerms().getLeastDecisionsCount()).isEqualTo(20);
    assertThat(watch.getTerms().getHorizonDuration().getSeconds()).isEqualTo(3_600);
    assertThat(watch.getTerms().getWhenHeld()).isEqualTo(CanaryWhenHeld.CANARY_WHEN_HELD_REPORT);
    assertThat(watch.getState()).isEqualTo(CanaryWatchState.CANARY_WATCH_STATE_WATCHING);
    assertThat(watch.getVerdict()).isEqualTo(CanaryVerdict.CANARY_VERDICT_UNDECIDED);
    assertThat(watch.getReason()).isEmpty();
    assertThat(watch.getCost()).isEqualTo(CanaryMean.newBuilder().setUpperBound(1).build());
    assertThat(watch.getAcceptShortfall())
        .isEqualTo(CanaryMean.newBuilder().setLowerBound(-1).setUpperBound(1).build());
    assertThat(watch.hasEndTime()).isFalse();
  }

  @Test
  void fiveHarmfulCompletionsAreEnoughAndFourAreNot() {
    // a bet of .75/.3 on each: 1 + 2.5·(.9526 − .3) = 2.6314; half of 2.6314⁴ + ½ = 24.5 < 2/.05 =
    // 40
    begin();
    show(4, "H");
    assertThat(look().getVerdict()).isEqualTo(CanaryVerdict.CANARY_VERDICT_UNDECIDED);
    assertThat(canaries.ends).isEmpty();

    show(1, "H");
    CanaryWatch watch = look();
    assertThat(watch.getState()).isEqualTo(CanaryWatchState.CANARY_WATCH_STATE_ROLLED_BACK);
    assertThat(watch.getVerdict()).isEqualTo(CanaryVerdict.CANARY_VERDICT_COST_OVER_LIMIT);
    assertThat(watch.getReason())
        .isEqualTo(
            "the canary's mean cost is over the limit 0.3000 (alpha 0.05): 0.9526 of 5 completions, 0 without a cost");
    assertThat(watch.getEndMove()).isEqualTo("canary_roll_back: " + watch.getReason());
    assertThat(watch.hasDecisionTime()).isTrue();
    assertThat(watch.hasEndTime()).isTrue();
    assertThat(canaries.moves().getFirst().getKind()).isEqualTo("canary_roll_back");

    EndCanaryRequest end = canaries.ends.getFirst();
    assertThat(canaries.ends).hasSize(1);
    assertThat(end.getOutcome()).isEqualTo(CanaryOutcome.CANARY_OUTCOME_ROLL_BACK);
    assertThat(end.getModel()).isEqualTo("java-tiny");
    assertThat(end.getAlias()).isEqualTo("serving");
    assertThat(end.getCanaryVersion()).isEqualTo("a");
    assertThat(end.getStartRevision()).isEqualTo(watch.getStartRevision());
    assertThat(end.getReason()).isEqualTo(watch.getReason());
    assertThat(end.getMetadata().getIdempotencyKey())
        .isEqualTo("canary-watch:%s:roll-back".formatted(watch.getWatchId()));
    CanaryNumbers numbers = end.getNumbers();
    assertThat(numbers.getCanaryDecisionsCount()).isEqualTo(5);
    assertThat(numbers.getCanaryMeanCost()).isCloseTo(FakeCostModels.HARMFUL, within(1e-9));
    assertThat(numbers.getCanaryCostLowerBound()).isBetween(0.29, 0.5);
    assertThat(numbers.getCostThreshold()).isEqualTo(0.3);
    assertThat(numbers.getAlpha()).isEqualTo(0.05);
    assertThat(numbers.hasCanaryAcceptRate()).isFalse();
    assertThat(counted("ballast.safety.canary.roll.backs", "verdict", "cost_over_limit"))
        .isEqualTo(1);
    assertThat(counted("ballast.safety.canary.ends", "state", "rolled_back")).isEqualTo(1);
    assertThat(counted("ballast.safety.canary.observations", "kind", "cost")).isEqualTo(5);

    assertThat(look()).as("it is over").isEqualTo(watch);
    assertThat(canaries.ends).hasSize(1);
  }

  @Test
  void onlyWhatTheCanaryShowedCounts() {
    begin();
    canaries.shown(CONTROL, "H", null);
    canaries.shown(CanaryArm.CANARY_ARM_UNSPECIFIED, "a", "H", null);
    canaries.shown(CANARY, "c", "H", null);
    canaries.log(CANARY, "a", "H", null, record -> record.setAliasRevision(1));
    canaries.log(
        CANARY,
        "a",
        "H",
        null,
        record -> record.getResponseBuilder().setDecision(Decision.DECISION_WITHHOLD));
    canaries.log(
        CANARY,
        "a",
        "H",
        null,
        record -> record.getResponseBuilder().getPolicyVersionBuilder().setModel("java-small"));
    show(2, "= 1;");
    CanaryWatch watch = look();
    assertThat(watch.getCost().getCount()).isEqualTo(2);
    assertThat(watch.getCost().getMean())
        .isCloseTo(FakeCostModels.harmlessToTwo("= 1;"), within(1e-9));
  }

  @Test
  void whatHasNoCostCountsAsHarm() {
    begin();
    show(1, "N"); // a head's NaN
    show(1, "X"); // refused
    show(1, ""); // nothing to judge
    assertThat(look().getTrouble())
        .isEqualTo("no cost: java-cost: head 2: score NaN (expected: finite)");
    CanaryWatch watch = look();
    assertThat(watch.getTrouble()).isEmpty();
    assertThat(watch.getCost().getCount()).isEqualTo(3);
    assertThat(watch.getCost().getMean()).isEqualTo(1);
    assertThat(watch.getMissingCostsCount()).isEqualTo(3);

    show(2, "N");
    mesh.lookAtCanaries();
    assertThat(look().getVerdict()).isEqualTo(CanaryVerdict.CANARY_VERDICT_COST_OVER_LIMIT);
    assertThat(counted("ballast.safety.canary.observations", "kind", "missing_cost")).isEqualTo(5);
  }

  @Test
  void aCertificateOfSharesHasSharesWatched() {
    begin(BoundMethod.BOUND_METHOD_CLOPPER_PEARSON);
    show(1, "H");
    show(3, "= 1;");
    CanaryWatch watch = look();
    assertThat(watch.getTerms().getBinaryCost()).isTrue();
    assertThat(watch.getCost().getMean()).isEqualTo(0.25);
  }

  @Test
  void suggestionsThatAreTakenLessAreSeenInPairs() {
    // d = 1 of each pair: 1 + .75/.525·(1 − .525) = 1.6786; half of 1.6786⁸ + ½ = 32.0 < 2/.05 = 40
    begin();
    answer(8, true, false);
    advance(FEEDBACK_WAIT);
    CanaryWatch watch = look();
    assertThat(watch.getVerdict()).isEqualTo(CanaryVerdict.CANARY_VERDICT_UNDECIDED);
    assertThat(watch.getAcceptShortfall().getCount()).isEqualTo(8);
    assertThat(watch.getAcceptShortfall().getMean()).isEqualTo(1);

    answer(1, true, false);
    advance(FEEDBACK_WAIT);
    watch = look();
    assertThat(watch.getVerdict()).isEqualTo(CanaryVerdict.CANARY_VERDICT_ACCEPT_BELOW_CONTROL);
    assertThat(watch.getState()).isEqualTo(CanaryWatchState.CANARY_WATCH_STATE_ROLLED_BACK);
    assertThat(watch.getReason())
        .isEqualTo(
            "the canary's accept rate is more than 0.0500 under the control's (alpha 0.05): 0.0000 of 9 answers, 1.0000 of 9, 1.0000 under it in 9 pairs");
    CanaryNumbers numbers = canaries.ends.getFirst().getNumbers();
    assertThat(numbers.getCanaryAcceptRate()).isZero();
    assertThat(numbers.getControlAcceptRate()).isEqualTo(1);
    assertThat(numbers.getControlDecisionsCount()).isEqualTo(9);
  }

  @Test
  void anAnswerHasTimeToCome() {
    begin();
    canaries.shown(CANARY, "= 1;", null);
    canaries.shown(CANARY, "= 1;", null);
    advance(FEEDBACK_WAIT.minusSeconds(1));
    CanaryWatch watch = look();
    assertThat(watch.getCost().getCount()).as("costs do not wait").isEqualTo(2);
    assertThat(watch.getCanaryAcceptRate().getCount()).isZero();

    canaries.answer(0, true);
    advance(Duration.ofSeconds(1));
    watch = look();
    assertThat(watch.getCanaryAcceptRate().getCount()).as("nobody answered the other").isEqualTo(1);
    assertThat(watch.getCanaryAcceptRate().getMean()).isEqualTo(1);
  }

  @Test
  void oneThatHoldsIsToldAndLeftToItsOperator() {
    // d = ½ of each pair: ln(1 + .75/.475·(.5 − .475)) = .0387; ln(2/.05) = 3.689 needs 96
    begin();
    answer(95, true, true);
    advance(FEEDBACK_WAIT);
    assertThat(look().getVerdict()).isEqualTo(CanaryVerdict.CANARY_VERDICT_UNDECIDED);

    answer(1, true, true);
    advance(FEEDBACK_WAIT);
    CanaryWatch watch = look();
    assertThat(watch.getVerdict()).isEqualTo(CanaryVerdict.CANARY_VERDICT_HELD);
    assertThat(watch.getReason())
        .isEqualTo(
            "the canary's mean cost is under the limit 0.3000, its accept rate at most 0.0500 under the control's (alpha 0.05): by 96 completions and 96 pairs of answers");
    assertThat(watch.getState()).isEqualTo(CanaryWatchState.CANARY_WATCH_STATE_WATCHING);
    assertThat(watch.getCost().getUpperBound()).isLessThan(0.3);
    assertThat(canaries.ends).isEmpty();

    canaries.move("canary_complete", "it looks good to me");
    watch = look();
    assertThat(watch.getState()).isEqualTo(CanaryWatchState.CANARY_WATCH_STATE_COMPLETED);
    assertThat(watch.getEndMove()).isEqualTo("canary_complete: it looks good to me");
    assertThat(watch.getVerdict()).isEqualTo(CanaryVerdict.CANARY_VERDICT_HELD);
  }

  @Test
  void theHorizonPassesWithoutABreach() {
    begin();
    show(19, "= 1;");
    advance(Duration.ofHours(1));
    assertThat(look().getVerdict()).as("too few").isEqualTo(CanaryVerdict.CANARY_VERDICT_UNDECIDED);

    show(1, "= 1;");
    CanaryWatch watch = look();
    assertThat(watch.getVerdict()).isEqualTo(CanaryVerdict.CANARY_VERDICT_NO_BREACH_BY_HORIZON);
    assertThat(watch.getReason())
        .isEqualTo("no breach within PT1H, by 20 completions and 0 pairs of answers");

    show(60, "H");
    assertThat(look().getState())
        .as("it is watched on")
        .isEqualTo(CanaryWatchState.CANARY_WATCH_STATE_ROLLED_BACK);
  }

  @Test
  void anotherMoveOfTheAliasEndsTheWatch() {
    begin();
    assertThat(look().getState()).isEqualTo(CanaryWatchState.CANARY_WATCH_STATE_WATCHING);
    canaries.move("break_glass", "the editor hangs");
    CanaryWatch watch = look();
    assertThat(watch.getState()).isEqualTo(CanaryWatchState.CANARY_WATCH_STATE_SUPERSEDED);
    assertThat(watch.getEndMove()).isEqualTo("break_glass: the editor hangs");
    assertThat(canaries.ends).isEmpty();
  }

  @Test
  void theNextCanaryOfTheAliasIsWatchedAnew() {
    begin();
    show(4, "H");
    String certificate = look().getCertificateId();
    canaries.move("canary_roll_back", "somebody complained");
    long revision = canaries.begin("a", certificate);
    show(2, "H");

    CanaryWatch watch = look();
    assertThat(watch.getStartRevision()).isEqualTo(revision);
    assertThat(watch.getCost().getCount()).isEqualTo(2);
    assertThat(list(ListCanaryWatchesRequest.newBuilder())).isEqualTo(2);
    assertThat(list(ListCanaryWatchesRequest.newBuilder().setUnderWay(true))).isEqualTo(1);
    assertThat(list(ListCanaryWatchesRequest.newBuilder().setPageSize(1))).isEqualTo(1);
    assertThat(list(ListCanaryWatchesRequest.newBuilder().setModel("other"))).isZero();
  }

  @Test
  void badInputIsNamed() {
    assertMalformed(
        () -> list(ListCanaryWatchesRequest.newBuilder().setPageSize(1_001)),
        "page_size: 1,001 (expected: 1 to 1,000, or 0)");
    assertMalformed(
        () -> list(ListCanaryWatchesRequest.newBuilder().setPageSize(-1)),
        "page_size: -1 (expected: 1 to 1,000, or 0)");
  }

  private int list(ListCanaryWatchesRequest.Builder request) {
    return mesh.safety().listCanaryWatches(request.build()).getWatchesCount();
  }

  @Test
  void aCanaryByAForeignCertificateIsNotWatched() {
    begin();
    canaries.move("canary_roll_back", "not this one either");
    canaries.begin("a", "0192f000-0000-7000-8000-000000000009");
    mesh.lookAtCanaries();
    assertThat(list(ListCanaryWatchesRequest.newBuilder())).isZero();
    assertThat(canaries.moves()).hasSize(4);
    assertThat(unwatched()).isEqualTo(1);
    canaries.move("canary_roll_back", "nor this");
    mesh.lookAtCanaries();
    assertThat(unwatched()).isZero();
  }
}
