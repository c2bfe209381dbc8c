package io.ballast.policy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.inference.api.GenerationRequest;
import io.ballast.inference.grammar.Grammar;
import io.ballast.kit.call.Lane;
import io.ballast.kit.error.MeshException;
import io.ballast.kit.grpc.PeerFaults;
import io.ballast.mesh.v1.Priority;
import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.mesh.v1.SamplingOptions;
import io.ballast.policy.core.Seeds;
import io.ballast.policy.testing.FakeDecoder;
import io.ballast.policy.testing.FakeModels;
import io.ballast.policy.testing.TestClock;
import io.ballast.policy.v1.Decision;
import io.ballast.policy.v1.DecisionReason;
import io.ballast.policy.v1.GateMode;
import io.ballast.policy.v1.SuggestRequest;
import io.ballast.policy.v1.SuggestResponse;
import io.ballast.policy.v1.SuggestionRecord;
import io.ballast.safety.v1.GateOutcome;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** Suggest walks from the request to the record, and says what it rests on. */
class SuggestTest extends SuggestCase {
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
    assertThat(asked.within()).as("a caller without a deadline").isEmpty();
  }

  @Test
  void theEngineLearnsHowLongTheCallerWaits() {
    var unused =
        mesh.policy()
            .withDeadlineAfter(20, TimeUnit.SECONDS)
            .suggest(SuggestRequest.newBuilder().setPrompt(PROMPT).build());

    assertThat(models.decoder("1").requests.getFirst().within().orElseThrow())
        .isBetween(Duration.ofSeconds(1), Duration.ofSeconds(20));
  }

  @Test
  void anEngineThatWouldBeginTooLateIsASheddingServerThatSaysWhenToComeBack() {
    assertThatThrownBy(() -> mesh.suggest(FakeDecoder.LATE))
        .isInstanceOfSatisfying(
            StatusRuntimeException.class,
            e -> {
              assertThat(e.getStatus().getCode()).isEqualTo(Status.Code.RESOURCE_EXHAUSTED);
              assertThat(PeerFaults.errorInfo(e).orElseThrow().getMetadataMap())
                  .containsEntry(MeshException.SHED, "queue_time")
                  .containsEntry(MeshException.RETRY_DELAY, "PT0.25S");
            });
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
}
