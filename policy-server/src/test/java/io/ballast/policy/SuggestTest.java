package io.ballast.policy;

import static io.ballast.policy.testing.FakeSafetyServer.HARMFUL;
import static io.ballast.policy.testing.FakeSafetyServer.answer;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.google.common.util.concurrent.ListenableFuture;
import io.ballast.inference.api.GenerationRequest;
import io.ballast.inference.grammar.Grammar;
import io.ballast.kit.call.Lane;
import io.ballast.mesh.v1.Priority;
import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.mesh.v1.SamplingOptions;
import io.ballast.policy.core.Seeds;
import io.ballast.policy.testing.FakeDecoder;
import io.ballast.policy.testing.FakeModels;
import io.ballast.policy.testing.FakeSafetyServer;
import io.ballast.policy.testing.TestClock;
import io.ballast.policy.testing.TestMesh;
import io.ballast.policy.v1.Decision;
import io.ballast.policy.v1.DecisionReason;
import io.ballast.policy.v1.GateMode;
import io.ballast.policy.v1.GetSuggestionRequest;
import io.ballast.policy.v1.SuggestRequest;
import io.ballast.policy.v1.SuggestResponse;
import io.ballast.policy.v1.SuggestStreamRequest;
import io.ballast.policy.v1.SuggestStreamResponse;
import io.ballast.policy.v1.SuggestionRecord;
import io.ballast.safety.v1.GateOutcome;
import io.grpc.Context;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.micrometer.core.instrument.Counter;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.Timeout.ThreadMode;

/** Suggest walks from the gate to the record, and says why it shows, withholds or blocks. */
class SuggestTest {
  private static final String PROMPT = "int answer = ";

  private final FakeModels models = new FakeModels();
  private final TestMesh mesh = TestMesh.start(models);

  @AfterEach
  void stop() {
    mesh.close();
  }

  @Test
  void aLikelySuggestionIsShownWithEverythingThatTheDecisionRestsOn() {
    SuggestResponse answer = mesh.suggest(PROMPT);

    assertThat(answer.getDecision()).isEqualTo(Decision.DECISION_SHOW);
    assertThat(answer.getReason()).isEqualTo(DecisionReason.DECISION_REASON_LIKELY_ACCEPTED);
    assertThat(answer.getText()).isEqualTo("suggestion by 1;");
    assertThat(answer.getAcceptProbability()).isEqualTo(0.6);
    assertThat(answer.getAcceptThreshold()).isEqualTo(0.3);
    assertThat(answer.getStageOne().getOutcome()).isEqualTo(GateOutcome.GATE_OUTCOME_REFER);
    assertThat(answer.getStageTwo().getOutcome()).isEqualTo(GateOutcome.GATE_OUTCOME_PASS);
    assertThat(answer.getPropensity()).isEqualTo(1);
    assertThat(answer.getPolicyVersion().getVersion()).isEqualTo("1");
    assertThat(answer.getPolicyVersion().getWeightsSha256()).isEqualTo(FakeModels.sha256("1"));
    assertThat(answer.getGeneratedTokens()).isEqualTo("suggestion by 1;".length());
    assertThat(answer.getDegradationsList()).isEmpty();
    assertThat(answer.hasReward()).isFalse();
    assertThat(answer.hasCost()).isFalse();
    assertThat(answer.getTiming().hasTotalDuration()).isTrue();
    assertThat(answer.getTiming().hasInferDuration()).isTrue();
  }

  @Test
  void theEngineLearnsWhoAsksAndHowUrgently() {
    SuggestRequest request =
        SuggestRequest.newBuilder()
            .setPrompt(PROMPT)
            .setMetadata(
                RequestMetadata.newBuilder().setTenant("acme").setPriority(Priority.PRIORITY_BATCH))
            .build();
    var unused = mesh.policy().suggest(request);

    GenerationRequest asked = models.decoder("1").requests.getFirst();
    assertThat(asked.lane()).isEqualTo(Lane.BATCH);
    assertThat(asked.tenant()).isEqualTo("acme");
  }

  @Test
  void aSuggestionIsRecordedBeforeItIsAnswered() {
    SuggestResponse answer = mesh.suggest(PROMPT);

    SuggestionRecord record = recordOf(answer);
    assertThat(record.getPrompt()).isEqualTo(PROMPT);
    assertThat(record.getTenant()).isEqualTo("default");
    assertThat(record.getResponse().getText()).isEqualTo("suggestion by 1;");
    assertThat(record.getPromptTokens().getTokenIdsCount()).isEqualTo(PROMPT.length());
    assertThat(record.getCompletion().getLogProbsList())
        .hasSize(16)
        .containsOnly(FakeDecoder.LOG_PROB);
    assertThat(record.getCompletion().getVersionSpans(0).getTokensCount()).isEqualTo(16);
    assertThat(record.getSampling().getSeed()).isEqualTo(answer.getSeed());
    assertThat(record.getGateMode()).isEqualTo(GateMode.GATE_MODE_ENFORCE);
    assertThat(record.getDecisionTime().getSeconds()).isEqualTo(TestClock.START.getEpochSecond());
  }

  @Test
  void theIdIsATimeOrderedUuid() {
    UUID id = UUID.fromString(mesh.suggest(PROMPT).getSuggestionId());
    assertThat(id.version()).isEqualTo(7);
    assertThat(id.getMostSignificantBits() >>> 16).isEqualTo(TestClock.START.toEpochMilli());
  }

  @Test
  void whatTheRequestDoesNotSayIsTakenFromTheConfiguration() {
    mesh.suggest(PROMPT);

    GenerationRequest request = models.decoder("1").requests.getFirst();
    assertThat(request.heal()).isTrue();
    assertThat(request.maxPromptTokens()).isEqualTo(96);
    assertThat(request.sampling().temperature()).isEqualTo(1.0);
    assertThat(request.sampling().maxNewTokens()).isEqualTo(24);
    assertThat(request.sampling().stopStrings()).containsExactly("\n");
    assertThat(request.sampling().topK()).isZero();
    assertThat(request.sampling().topP()).isEqualTo(1);
  }

  @Test
  void everySamplingOptionReachesTheModelAndTheRecord() {
    SamplingOptions asked =
        SamplingOptions.newBuilder()
            .setTemperature(0.5)
            .setTopK(7)
            .setTopP(0.9)
            .setMinP(0.1)
            .setRepetitionPenalty(1.25)
            .setPresencePenalty(-1)
            .setFrequencyPenalty(2)
            .putLogitBias(3, -100)
            .setMinNewTokens(2)
            .setMaxNewTokens(64)
            .addStopStrings(";;")
            .addStopTokenIds(5)
            .setRegex("a+")
            .setSeed(11)
            .build();
    SuggestResponse answer = mesh.policy().suggest(request().setSampling(asked).build());

    assertThat(models.decoder("1").requests.getFirst().sampling())
        .isEqualTo(
            io.ballast.inference.api.SamplingOptions.builder()
                .temperature(0.5)
                .topK(7)
                .topP(0.9)
                .minP(0.1)
                .repetitionPenalty(1.25)
                .presencePenalty(-1)
                .frequencyPenalty(2)
                .logitBias(Map.of(3, -100.0))
                .minNewTokens(2)
                .maxNewTokens(64)
                .stopStrings(List.of(";;"))
                .stopTokenIds(List.of(5))
                .grammar(Grammar.regex("a+"))
                .seed(Seeds.derive(11, 0, 0))
                .build());
    assertThat(recordOf(answer).getSampling()).isEqualTo(asked);
  }

  @Test
  void aGrammarTakesThePlaceOfTheLinesEnd() {
    String schema = "{\"type\": \"integer\"}";
    SuggestResponse answer =
        mesh.policy()
            .suggest(
                request().setSampling(SamplingOptions.newBuilder().setJsonSchema(schema)).build());

    assertThat(models.decoder("1").requests.getFirst().sampling().stopStrings()).isEmpty();
    assertThat(recordOf(answer).getSampling().getJsonSchema()).isEqualTo(schema);
  }

  @Test
  void theSeedOfAnAnswerDrawsTheSameAgain() {
    long seed = mesh.suggest(PROMPT).getSeed();
    mesh.policy()
        .suggest(request().setSampling(SamplingOptions.newBuilder().setSeed(seed)).build());

    assertThat(models.decoder("1").requests)
        .extracting(request -> request.sampling().seed())
        .hasSize(2)
        .containsOnly(models.decoder("1").requests.getFirst().sampling().seed());
    assertThat(mesh.safety.generationRequests)
        .extracting(r -> r.getExplorationSeed())
        .containsOnly(mesh.safety.generationRequests.getFirst().getExplorationSeed());
  }

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
  void whatStageOneExploresIsShownWithoutStageTwoSoThatItLearns() {
    mesh.safety.stageOne = answer(GateOutcome.GATE_OUTCOME_EXPLORE, 0.05, 0.02);
    mesh.safety.stageTwo = answer(GateOutcome.GATE_OUTCOME_WITHHOLD, 0.05, 1);

    SuggestResponse answer = mesh.suggest(PROMPT);

    assertRuling(answer, Decision.DECISION_SHOW, DecisionReason.DECISION_REASON_EXPLORED);
    assertThat(answer.getPropensity()).isEqualTo(0.02);
    assertThat(mesh.safety.displayRequests).isEmpty();
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

  @Test
  void aCallerWhoLeavesStopsTheDecodeLoopAndNothingIsRecorded() throws InterruptedException {
    ListenableFuture<SuggestResponse> call =
        mesh.policyAsync().suggest(request().setPrompt(FakeDecoder.ENDLESS).build());
    FakeDecoder decoder = models.decoder("1");
    assertThat(decoder.endlessStarted.await(20, TimeUnit.SECONDS)).isTrue();

    call.cancel(true);

    assertThat(decoder.endlessCancelled.await(20, TimeUnit.SECONDS)).isTrue();
    assertThat(storedSuggestions()).isZero();
  }

  @Test
  void aCallerWhoLeavesAStreamStopsTheDecodeLoopAndNothingIsRecorded() throws Exception {
    Context.CancellableContext caller = Context.current().withCancellation();
    Iterator<SuggestStreamResponse> stream =
        caller.call(
            () ->
                mesh.policy()
                    .suggestStream(
                        SuggestStreamRequest.newBuilder()
                            .setRequest(request().setPrompt(FakeDecoder.ENDLESS))
                            .build()));
    FakeDecoder decoder = models.decoder("1");
    assertThat(decoder.endlessStarted.await(20, TimeUnit.SECONDS)).isTrue();

    caller.cancel(null);

    assertThat(decoder.endlessCancelled.await(20, TimeUnit.SECONDS)).isTrue();
    assertThatThrownBy(() -> stream.forEachRemaining(event -> {}))
        .isInstanceOfSatisfying(
            StatusRuntimeException.class,
            e -> assertThat(e.getStatus().getCode()).isEqualTo(Status.Code.CANCELLED));
    assertThat(storedSuggestions()).isZero();
  }

  @Test
  @Timeout(value = 60, threadMode = ThreadMode.SEPARATE_THREAD)
  void aCallerWhoLeavesWhileTextIsSentIsCounted() throws Exception {
    Context.CancellableContext caller = Context.current().withCancellation();
    Iterator<SuggestStreamResponse> stream =
        caller.call(
            () ->
                mesh.policy()
                    .suggestStream(
                        SuggestStreamRequest.newBuilder().setRequest(request()).build()));
    // what comes next waits for a reader
    assertThat(stream.next().getTextDelta()).isNotEmpty();

    caller.cancel(null);

    Counter abandoned = mesh.meters.get("ballast.policy.suggestions.abandoned").counter();
    while (abandoned.count() == 0) {
      Thread.onSpinWait();
    }
    assertThat(abandoned.count()).isEqualTo(1);
    assertThat(storedSuggestions()).isZero();
  }

  @Test
  void aDeadlineThatIsTooShortStopsTheDecodeLoopToo() throws InterruptedException {
    assertThatThrownBy(
            () ->
                mesh.policy()
                    .withDeadlineAfter(300, TimeUnit.MILLISECONDS)
                    .suggest(request().setPrompt(FakeDecoder.ENDLESS).build()))
        .isInstanceOfSatisfying(
            StatusRuntimeException.class,
            e -> assertThat(e.getStatus().getCode()).isEqualTo(Status.Code.DEADLINE_EXCEEDED));

    assertThat(models.decoder("1").endlessCancelled.await(20, TimeUnit.SECONDS)).isTrue();
    assertThat(storedSuggestions()).isZero();
  }

  @Test
  void aStreamSendsTheTextAsItComesAndThenTheSameAnswer() {
    List<SuggestStreamResponse> events = stream(request());

    StringBuilder text = new StringBuilder();
    events.subList(0, events.size() - 1).forEach(event -> text.append(event.getTextDelta()));
    SuggestResponse finished = events.getLast().getFinished();
    assertThat(text).hasToString("suggestion by 1;");
    assertThat(finished.getText()).isEqualTo("suggestion by 1;");
    assertThat(finished.getDecision()).isEqualTo(Decision.DECISION_SHOW);
    assertThat(recordOf(finished).getPrompt()).isEqualTo(PROMPT);
  }

  @Test
  void aStreamEndsByTakingBackWhatStageTwoWithholds() {
    mesh.safety.stageTwo = answer(GateOutcome.GATE_OUTCOME_WITHHOLD, 0.1, 1);

    SuggestResponse finished = stream(request()).getLast().getFinished();

    assertThat(finished.getDecision()).isEqualTo(Decision.DECISION_WITHHOLD);
    assertThat(finished.getText()).isEmpty();
  }

  @Test
  void aStreamOfSeveralCandidatesHasOnlyTheAnswer() {
    assertThat(stream(request().setCandidatesCount(2))).hasSize(1);
  }

  @Test
  void judgesSeeTheTextThatTheDecoderSaw() {
    String longPrompt = "x".repeat(500) + "tail";

    mesh.policy().suggest(request().setPrompt(longPrompt).setWithReward(true).build());

    String seen = mesh.rewards.requests.getFirst().getItems(0).getPrompt().getText();
    assertThat(seen).hasSize(96).endsWith("xxtail");
  }

  @Test
  void decisionsAreCounted() {
    mesh.suggest(PROMPT);

    assertThat(
            mesh.meters
                .get("ballast.policy.suggestions")
                .tags("decision", "show", "reason", "likely_accepted")
                .timer()
                .count())
        .isEqualTo(1);
  }

  @Test
  void eachPhaseIsTimed() {
    mesh.suggest(PROMPT);

    assertThat(phase("generate")).isEqualTo(1);
    assertThat(phase("judge")).isEqualTo(1);
    assertThat(phase("record")).isEqualTo(1);
  }

  private long phase(String name) {
    return mesh.meters.get("ballast.policy.phase").tag("phase", name).timer().count();
  }

  private static void assertRuling(
      SuggestResponse answer, Decision decision, DecisionReason reason) {
    assertThat(answer.getDecision()).isEqualTo(decision);
    assertThat(answer.getReason()).isEqualTo(reason);
  }

  private static SuggestRequest.Builder request() {
    return SuggestRequest.newBuilder().setPrompt(PROMPT);
  }

  private static SuggestRequest.Builder requestOf(String tenant) {
    return request().setMetadata(RequestMetadata.newBuilder().setTenant(tenant));
  }

  /** Lets version "scripted" complete by {@code script}, and serve. */
  private void script(Function<GenerationRequest, String> script) {
    models.publish("scripted", script);
    Promotions.promote(mesh, "1", "scripted");
  }

  private List<SuggestStreamResponse> stream(SuggestRequest.Builder request) {
    List<SuggestStreamResponse> events = new ArrayList<>();
    mesh.policy()
        .suggestStream(SuggestStreamRequest.newBuilder().setRequest(request).build())
        .forEachRemaining(events::add);
    return events;
  }

  private SuggestionRecord recordOf(SuggestResponse answer) {
    return mesh.feedback()
        .getSuggestion(
            GetSuggestionRequest.newBuilder().setSuggestionId(answer.getSuggestionId()).build())
        .getSuggestion();
  }

  private int storedSuggestions() {
    return mesh.database
        .jdbi()
        .withHandle(
            handle ->
                handle.createQuery("select count(*) from suggestion").mapTo(Integer.class).one());
  }
}
