package io.ballast.policy;

import static io.ballast.policy.testing.FakeSafetyServer.HARMFUL;
import static io.ballast.policy.testing.FakeSafetyServer.answer;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.ballast.inference.api.GenerationRequest;
import io.ballast.mesh.v1.FailureReason;
import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.policy.testing.FakeDecoder;
import io.ballast.policy.testing.FakeSafetyServer;
import io.ballast.policy.testing.TestMesh;
import io.ballast.policy.v1.Decision;
import io.ballast.policy.v1.DecisionReason;
import io.ballast.policy.v1.Degradation;
import io.ballast.policy.v1.GateMode;
import io.ballast.policy.v1.SuggestRequest;
import io.ballast.policy.v1.SuggestResponse;
import io.ballast.safety.v1.DecideDisplayRequest;
import io.ballast.safety.v1.GateOutcome;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import org.junit.jupiter.api.Test;

/** The gate and the judges decide what is shown, withheld or blocked; one that is away, by rule. */
class SuggestDecisionsTest extends SuggestCase {
  @Test
  void stageOneWithholdsWithoutGenerating() {
    mesh.safety.stageOne = answer(GateOutcome.GATE_OUTCOME_WITHHOLD, 0.05, 0.9);

    SuggestResponse answer = mesh.suggest(PROMPT);

    assertRuling(
        answer, Decision.DECISION_WITHHOLD, DecisionReason.DECISION_REASON_CONTEXT_LIKELY_REJECTED);
    assertThat(answer.getPropensity()).isEqualTo(0.9);
    assertThat(answer.hasStageTwo()).isFalse();
    assertThat(answer.getTiming().hasInferDuration()).isFalse();
    assertThat(models.decoder("1").requests).isEmpty();
    assertThat(recordOf(answer).hasCompletion()).isFalse();
  }

  @Test
  void stageTwoWithholdsWhatWasGeneratedAndTheRecordKeepsIt() {
    mesh.safety.stageOne = answer(GateOutcome.GATE_OUTCOME_PASS, 0.7, 0.8);
    mesh.safety.stageTwo = answer(GateOutcome.GATE_OUTCOME_WITHHOLD, 0.1, 0.5);

    SuggestResponse answer = mesh.suggest(PROMPT);

    assertRuling(
        answer,
        Decision.DECISION_WITHHOLD,
        DecisionReason.DECISION_REASON_SUGGESTION_LIKELY_REJECTED);
    assertThat(answer.getText()).isEmpty();
    assertThat(answer.getPropensity()).isCloseTo(0.8 * 0.5, within(1e-12));
    assertThat(recordOf(answer).getResponse().getText()).isEqualTo("suggestion by 1;");
  }

  @Test
  void stageTwoSeesTheSuggestionAndItsLogProbabilities() {
    mesh.suggest(PROMPT);

    assertThat(mesh.safety.displayRequests)
        .singleElement()
        .satisfies(
            request -> {
              assertThat(request.getSuggestion()).isEqualTo("suggestion by 1;");
              assertThat(request.getLogProbsList()).hasSize(16).containsOnly(FakeDecoder.LOG_PROB);
            });
  }

  @Test
  void theAcceptScoreChoosesNoText() {
    // a beginning would score higher, as short ones do: the gate is never asked of one
    for (double score : new double[] {0.31, 0.6, 0.99}) {
      mesh.safety.stageTwo = answer(GateOutcome.GATE_OUTCOME_PASS, score, 1);
      mesh.safety.displayRequests.clear();

      SuggestResponse answer = mesh.suggest(PROMPT);

      assertThat(answer.getText()).isEqualTo("suggestion by 1;");
      assertThat(mesh.safety.displayRequests)
          .extracting(DecideDisplayRequest::getSuggestion)
          .containsExactly("suggestion by 1;");
    }
  }

  @Test
  void whatStageOneExploresIsShownWithoutStageTwoSoThatItLearns() {
    mesh.safety.stageOne = answer(GateOutcome.GATE_OUTCOME_EXPLORE, 0.05, 0.02);
    mesh.safety.stageTwo = answer(GateOutcome.GATE_OUTCOME_WITHHOLD, 0.05, 1);

    SuggestResponse answer = mesh.suggest(PROMPT);

    assertRuling(answer, Decision.DECISION_SHOW, DecisionReason.DECISION_REASON_EXPLORED);
    assertThat(answer.getPropensity()).isEqualTo(0.02);
    assertThat(mesh.safety.displayRequests).isEmpty();
  }

  @Test
  void whatStageOnePassesIsShownUnseenIfTheGateWasFittedSo() {
    mesh.safety.stageOne =
        answer(GateOutcome.GATE_OUTCOME_PASS, 0.7, 1).toBuilder().setSkipsStageTwo(true).build();
    mesh.safety.stageTwo = answer(GateOutcome.GATE_OUTCOME_WITHHOLD, 0.05, 1);

    SuggestResponse answer = mesh.suggest(PROMPT);

    assertRuling(answer, Decision.DECISION_SHOW, DecisionReason.DECISION_REASON_LIKELY_ACCEPTED);
    assertThat(answer.getStageOne().getSkipsStageTwo()).isTrue();
    assertThat(answer.hasStageTwo()).isFalse();
    assertThat(mesh.safety.displayRequests).isEmpty();
  }

  @Test
  void whatStageOneRefersIsJudgedWhateverItSays() {
    mesh.safety.stageOne =
        answer(GateOutcome.GATE_OUTCOME_REFER, 0.45, 1).toBuilder().setSkipsStageTwo(true).build();
    mesh.safety.stageTwo = answer(GateOutcome.GATE_OUTCOME_WITHHOLD, 0.05, 1);

    assertThat(mesh.suggest(PROMPT).getDecision()).isEqualTo(Decision.DECISION_WITHHOLD);
  }

  @Test
  void whatStageTwoExploresIsShown() {
    mesh.safety.stageTwo = answer(GateOutcome.GATE_OUTCOME_EXPLORE, 0.05, 0.02);

    SuggestResponse answer = mesh.suggest(PROMPT);

    assertRuling(answer, Decision.DECISION_SHOW, DecisionReason.DECISION_REASON_EXPLORED);
    assertThat(answer.getPropensity()).isEqualTo(0.02);
  }

  @Test
  void inShadowTheGateIsReportedAndHasNoEffect() {
    mesh.safety.stageOne = answer(GateOutcome.GATE_OUTCOME_WITHHOLD, 0.05, 0.9);
    mesh.safety.stageTwo = answer(GateOutcome.GATE_OUTCOME_WITHHOLD, 0.1, 0.5);

    SuggestResponse answer =
        mesh.policy().suggest(request().setGateMode(GateMode.GATE_MODE_SHADOW).build());

    assertRuling(answer, Decision.DECISION_SHOW, DecisionReason.DECISION_REASON_GATE_NOT_ENFORCED);
    assertThat(answer.getStageOne().getOutcome()).isEqualTo(GateOutcome.GATE_OUTCOME_WITHHOLD);
    assertThat(answer.getStageTwo().getOutcome()).isEqualTo(GateOutcome.GATE_OUTCOME_WITHHOLD);
    assertThat(answer.getPropensity()).isEqualTo(1);
  }

  @Test
  void offMeansThatTheGateIsNotAsked() {
    SuggestResponse answer =
        mesh.policy().suggest(request().setGateMode(GateMode.GATE_MODE_OFF).build());

    assertRuling(answer, Decision.DECISION_SHOW, DecisionReason.DECISION_REASON_GATE_NOT_ENFORCED);
    assertThat(answer.hasAcceptProbability()).isFalse();
    assertThat(mesh.safety.generationRequests).isEmpty();
    assertThat(mesh.safety.displayRequests).isEmpty();
  }

  @Test
  void aCostOverItsThresholdBlocksBeforeStageTwoIsAsked() {
    script(request -> HARMFUL + "(1);");

    SuggestResponse answer = mesh.policy().suggest(request().setWithCost(true).build());

    assertRuling(
        answer, Decision.DECISION_BLOCK, DecisionReason.DECISION_REASON_COST_OVER_THRESHOLD);
    assertThat(answer.getText()).isEmpty();
    assertThat(answer.getCost().getHarmProbability()).isEqualTo(0.9);
    assertThat(answer.getCost().getThreshold()).isEqualTo(FakeSafetyServer.THRESHOLD);
    assertThat(answer.getCost().getModelVersion()).isEqualTo(FakeSafetyServer.COST_MODEL);
    assertThat(mesh.safety.displayRequests).isEmpty();
  }

  @Test
  void aLowCostAndTheRewardAreReported() {
    SuggestResponse answer =
        mesh.policy().suggest(request().setWithCost(true).setWithReward(true).build());

    assertThat(answer.getDecision()).isEqualTo(Decision.DECISION_SHOW);
    assertThat(answer.getCost().getHarmProbability()).isEqualTo(0.1);
    assertThat(answer.getReward().getValue()).isEqualTo(16);
    assertThat(answer.getReward().getSpread()).isEqualTo(0.25);
  }

  @Test
  void ofSeveralCandidatesTheOneWithTheHighestRewardIsConsidered() {
    List<String> texts = List.of("a;", "longest;", "long;");
    List<Long> seeds = new ArrayList<>();
    script(
        request -> {
          seeds.add(request.sampling().seed());
          return texts.get(seeds.size() - 1);
        });

    SuggestResponse answer = mesh.policy().suggest(request().setCandidatesCount(3).build());

    assertThat(answer.getText()).isEqualTo("longest;");
    assertThat(answer.getReward().getValue()).isEqualTo(8);
    assertThat(answer.getGeneratedTokens()).isEqualTo(2 + 8 + 5);
    assertThat(seeds).doesNotHaveDuplicates();
  }

  @Test
  void withoutARewardTheFirstCandidateIsConsideredAndTheAnswerSaysSo() {
    mesh.rewards.down = true;

    SuggestResponse answer = mesh.policy().suggest(request().setCandidatesCount(2).build());

    assertThat(answer.getDecision()).isEqualTo(Decision.DECISION_SHOW);
    assertThat(answer.getReward().hasFailure()).isTrue();
    assertThat(answer.getDegradationsList())
        .singleElement()
        .satisfies(d -> assertThat(d.getPeer()).isEqualTo("reward-server"));
  }

  @Test
  void aCandidateWithoutARewardIsNotChosenAndTheAnswerSaysThatOneIsMissing() {
    mesh.rewards.reward = completion -> -completion.length();
    mesh.rewards.late = "a;"::equals;

    SuggestResponse answer = choose("a;", "longest;", "long;");

    // of -8 and -5, since what has none counts as no number at all
    assertThat(answer.getText()).isEqualTo("long;");
    assertThat(answer.getReward().getValue()).isEqualTo(-5);
    assertDegraded(
        answer, "reward-server", "no reward of 1 of 3 candidates: DEADLINE: no answer after 1 ms");
  }

  @Test
  void whereNoCandidateHasARewardTheFirstIsConsidered() {
    mesh.rewards.late = completion -> true;

    SuggestResponse answer = choose("a;", "longest;", "long;");

    assertThat(answer.getText()).isEqualTo("a;");
    assertThat(answer.getReward().getFailure().getReason())
        .isEqualTo(FailureReason.FAILURE_REASON_DEADLINE);
    assertDegraded(
        answer, "reward-server", "no reward of 3 of 3 candidates: DEADLINE: no answer after 1 ms");
  }

  @Test
  void theCostOfACandidateThatIsNotChosenIsNotMissed() {
    mesh.safety.late = "a;"::equals;

    SuggestResponse answer = choose("a;", "longest;", "long;");

    assertThat(answer.getDecision()).isEqualTo(Decision.DECISION_SHOW);
    assertThat(answer.getDegradationsList()).isEmpty();
  }

  @Test
  void withoutTheCostOfTheChosenCandidateItIsBlocked() {
    mesh.safety.late = "longest;"::equals;

    SuggestResponse answer = choose("a;", "longest;", "long;");

    assertRuling(answer, Decision.DECISION_BLOCK, DecisionReason.DECISION_REASON_COST_UNAVAILABLE);
    assertThat(answer.getText()).isEmpty();
    assertThat(answer.getCost().getFailure().getReason())
        .isEqualTo(FailureReason.FAILURE_REASON_DEADLINE);
    assertDegraded(answer, "safety-server", "no cost: DEADLINE: no answer after 1 ms");
  }

  @Test
  void whatIsMissingOfAnAnswerIsCountedByItsReason() {
    mesh.rewards.late = completion -> true;
    mesh.safety.down = true;

    var unused =
        mesh.policy()
            .suggest(
                request()
                    .setGateMode(GateMode.GATE_MODE_OFF)
                    .setWithReward(true)
                    .setWithCost(true)
                    .build());

    assertThat(degradations("reward-server", "deadline")).isEqualTo(1);
    assertThat(degradations("reward-server", "no_answer")).isZero();
    assertThat(degradations("safety-server", "no_answer")).isEqualTo(1);
    assertThat(degradations("safety-server", "deadline")).isZero();
  }

  @Test
  void anEmptyCompletionIsWithheldAndNobodyIsAskedAboutIt() {
    script(request -> "");

    SuggestResponse answer =
        mesh.policy().suggest(request().setWithCost(true).setWithReward(true).build());

    assertRuling(
        answer, Decision.DECISION_WITHHOLD, DecisionReason.DECISION_REASON_EMPTY_COMPLETION);
    assertThat(mesh.safety.costRequests).isEmpty();
    assertThat(mesh.rewards.requests).isEmpty();
    assertThat(mesh.safety.displayRequests).isEmpty();
  }

  @Test
  void withoutAGateTheDefaultIsToShowAndTheAnswerSaysSo() {
    mesh.safety.down = true;

    SuggestResponse answer = mesh.suggest(PROMPT);

    assertRuling(answer, Decision.DECISION_SHOW, DecisionReason.DECISION_REASON_GATE_UNAVAILABLE);
    assertThat(answer.getPropensity()).isEqualTo(1);
    assertThat(answer.getDegradationsList())
        .singleElement()
        .satisfies(
            d -> {
              assertThat(d.getPeer()).isEqualTo("safety-server");
              assertThat(d.getMessage()).isEqualTo("UNAVAILABLE: drained");
            });
  }

  @Test
  void withoutACostTheDefaultIsToBlock() {
    mesh.safety.down = true;

    SuggestResponse answer = mesh.policy().suggest(request().setWithCost(true).build());

    assertRuling(answer, Decision.DECISION_BLOCK, DecisionReason.DECISION_REASON_COST_UNAVAILABLE);
    assertThat(answer.getCost().hasFailure()).isTrue();
    assertThat(answer.getDegradationsCount()).isEqualTo(2);
  }

  @Test
  void aTenantMayHaveItOtherwise() {
    try (TestMesh strict =
        TestMesh.start(
            Map.of(
                "ballast.policy.tenants.careful.when-gate-down", "CLOSED",
                "ballast.policy.tenants.bold.when-cost-down", "OPEN"))) {
      strict.safety.down = true;

      SuggestResponse careful = strict.policy().suggest(requestOf("careful").build());
      SuggestResponse bold = strict.policy().suggest(requestOf("bold").setWithCost(true).build());

      assertRuling(
          careful, Decision.DECISION_WITHHOLD, DecisionReason.DECISION_REASON_GATE_UNAVAILABLE);
      assertThat(careful.getGeneratedTokens()).isZero();
      assertRuling(bold, Decision.DECISION_SHOW, DecisionReason.DECISION_REASON_GATE_UNAVAILABLE);
      assertThat(bold.getCost().hasFailure()).isTrue();
    }
  }

  @Test
  void aGateThatAnswersNonsenseCountsAsDown() {
    mesh.safety.stageOne = answer(GateOutcome.GATE_OUTCOME_PASS, Double.NaN, 1);

    SuggestResponse answer = mesh.suggest(PROMPT);

    assertRuling(answer, Decision.DECISION_SHOW, DecisionReason.DECISION_REASON_GATE_UNAVAILABLE);
    assertThat(answer.getDegradations(0).getMessage()).contains("accept_probability: NaN");
  }

  /** Asks for the best of {@code texts}, with its cost. */
  private SuggestResponse choose(String... texts) {
    AtomicInteger next = new AtomicInteger();
    script(request -> texts[next.getAndIncrement()]);
    return mesh.policy()
        .suggest(request().setCandidatesCount(texts.length).setWithCost(true).build());
  }

  private double degradations(String peer, String reason) {
    return mesh.meters
        .get("ballast.policy.degradations")
        .tags("peer", peer, "reason", reason)
        .counter()
        .count();
  }

  private void assertDegraded(SuggestResponse answer, String peer, String message) {
    assertThat(answer.getDegradationsList())
        .containsExactly(Degradation.newBuilder().setPeer(peer).setMessage(message).build());
    assertThat(recordOf(answer).getResponse().getDegradationsList())
        .isEqualTo(answer.getDegradationsList());
    assertThat(degradations(peer, "deadline")).isEqualTo(1);
  }

  private static void assertRuling(
      SuggestResponse answer, Decision decision, DecisionReason reason) {
    assertThat(answer.getDecision()).isEqualTo(decision);
    assertThat(answer.getReason()).isEqualTo(reason);
  }

  private static SuggestRequest.Builder requestOf(String tenant) {
    return request().setMetadata(RequestMetadata.newBuilder().setTenant(tenant));
  }

  /** Lets version "scripted" complete by {@code script}, and serve. */
  private void script(Function<GenerationRequest, String> script) {
    models.publish("scripted", script);
    Promotions.promote(mesh, "1", "scripted");
  }
}
