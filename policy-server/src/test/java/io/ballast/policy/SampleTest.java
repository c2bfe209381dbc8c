package io.ballast.policy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.common.util.concurrent.ListenableFuture;
import io.ballast.mesh.v1.FailureReason;
import io.ballast.mesh.v1.ModelSelector;
import io.ballast.mesh.v1.SamplingOptions;
import io.ballast.mesh.v1.TextOrTokens;
import io.ballast.mesh.v1.TokenSequence;
import io.ballast.policy.core.Seeds;
import io.ballast.policy.testing.CharacterTokenizer;
import io.ballast.policy.testing.FakeDecoder;
import io.ballast.policy.testing.FakeModels;
import io.ballast.policy.testing.TestMesh;
import io.ballast.policy.v1.Completion;
import io.ballast.policy.v1.LogProbsItem;
import io.ballast.policy.v1.LogProbsRequest;
import io.ballast.policy.v1.LogProbsResponse;
import io.ballast.policy.v1.LogProbsResult;
import io.ballast.policy.v1.SampleRequest;
import io.ballast.policy.v1.SampleResponse;
import io.ballast.policy.v1.SampleResult;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Trainers sample and evaluate; one bad item fails alone. */
class SampleTest {
  private final FakeModels models = new FakeModels();
  private final TestMesh mesh;

  SampleTest() {
    models.publish("1", request -> "drawn with " + request.sampling().seed());
    mesh = TestMesh.start(models);
  }

  @AfterEach
  void stop() {
    mesh.close();
  }

  @Test
  void aGroupOfCompletionsForEachPromptInOrder() {
    SampleResponse response =
        mesh.policy().sample(sample("first", "second").setCompletionsCount(3).build());

    assertThat(response.getResultsList()).hasSize(2);
    assertThat(response.getResults(0).getGroup().getCompletionsList()).hasSize(3);
    assertThat(response.getResults(0).getGroup().getPromptTokens().getTokenIdsList())
        .hasSize("first".length());
    assertThat(response.getPolicyVersion().getVersion()).isEqualTo("1");
    assertThat(response.getTiming().hasInferDuration()).isTrue();
  }

  @Test
  void aCompletionCarriesWhatATrainerLearnsFrom() {
    SampleResponse response = mesh.policy().sample(sample("prompt").build());

    Completion completion = response.getResults(0).getGroup().getCompletions(0);
    int tokens = completion.getText().length();
    assertThat(completion.getTokens().getTokenIdsList()).hasSize(tokens);
    assertThat(completion.getLogProbsList()).hasSize(tokens).containsOnly(FakeDecoder.LOG_PROB);
    assertThat(completion.getSamplingLogProbsList())
        .hasSize(tokens)
        .containsOnly(FakeDecoder.SAMPLING_LOG_PROB);
    assertThat(completion.getVersionSpansList())
        .singleElement()
        .satisfies(
            span -> {
              assertThat(span.getFirstToken()).isZero();
              assertThat(span.getTokensCount()).isEqualTo(tokens);
              assertThat(span.getPolicyVersion()).isEqualTo(response.getPolicyVersion());
            });
  }

  @Test
  void eachCompletionHasASeedOfItsOwnThatAnyoneCanDerive() {
    mesh.policy()
        .sample(
            sample("a", "b")
                .setCompletionsCount(2)
                .setSampling(SamplingOptions.newBuilder().setSeed(42))
                .build());

    assertThat(models.decoder("1").requests)
        .extracting(request -> request.sampling().seed())
        .containsExactly(
            Seeds.derive(42, 0, 0),
            Seeds.derive(42, 0, 1),
            Seeds.derive(42, 1, 0),
            Seeds.derive(42, 1, 1));
  }

  @Test
  void theSeedThatTheServerDrewIsReportedAndDrawsTheSame() {
    SampleResponse first = mesh.policy().sample(sample("a").build());
    SampleResponse again =
        mesh.policy()
            .sample(
                sample("a")
                    .setSampling(SamplingOptions.newBuilder().setSeed(first.getSeed()))
                    .build());

    assertThat(again.getResultsList()).isEqualTo(first.getResultsList());
  }

  @Test
  void aSampleHasNoStopStringsUnlessItAsksForThem() {
    mesh.policy().sample(sample("a").build());

    assertThat(models.decoder("1").requests.getFirst().sampling().stopStrings()).isEmpty();
    assertThat(models.decoder("1").requests.getFirst().heal()).isFalse();
  }

  @Test
  void oneBadPromptFailsAlone() {
    SampleRequest request =
        sample("good")
            .addPrompts(text(""))
            .addPrompts(TextOrTokens.getDefaultInstance())
            .addPrompts(tokens(5, CharacterTokenizer.VOCABULARY))
            .addPrompts(tokens(Stream.generate(() -> 7).limit(256).mapToInt(i -> i).toArray()))
            .addPrompts(text("x".repeat(70_000)))
            .addPrompts(text(FakeDecoder.CROWDED))
            .addPrompts(text(FakeDecoder.BROKEN))
            .addPrompts(text("also good"))
            .build();

    List<SampleResult> results = mesh.policy().sample(request).getResultsList();

    assertThat(results).hasSize(9);
    assertThat(results.get(0).hasGroup()).isTrue();
    assertFailure(
        results.get(1),
        FailureReason.FAILURE_REASON_INVALID_INPUT,
        "prompts[1]: empty (expected: at least one token)");
    assertFailure(
        results.get(2),
        FailureReason.FAILURE_REASON_INVALID_INPUT,
        "prompts[2]: absent (expected: text or tokens)");
    assertFailure(
        results.get(3),
        FailureReason.FAILURE_REASON_INVALID_INPUT,
        "prompts[3].token_ids[1]: 65536 (expected: 0 to 65535)");
    assertFailure(
        results.get(4), FailureReason.FAILURE_REASON_TOO_LONG, "prompts[4]: 256 tokens, limit 255");
    assertFailure(
        results.get(5),
        FailureReason.FAILURE_REASON_TOO_LONG,
        "prompts[5]: 70,000 bytes, limit 65,536");
    assertFailure(
        results.get(6),
        FailureReason.FAILURE_REASON_OVERLOADED,
        "prompts[6]: the engine's queue is full");
    assertFailure(
        results.get(7),
        FailureReason.FAILURE_REASON_MODEL_ERROR,
        "prompts[7]: logits are not finite");
    assertThat(results.get(8).hasGroup()).isTrue();
  }

  @Test
  void tokensAreTakenAsTheyAre() {
    mesh.policy().sample(SampleRequest.newBuilder().addPrompts(tokens('o', 'k')).build());

    assertThat(models.decoder("1").requests.getFirst().prompt()).isEqualTo("ok");
  }

  @Test
  void tokensThatTheTokenizerWouldSplitInAnotherWayAreRefused() {
    // the end-of-text token has no text
    SampleResult result =
        mesh.policy()
            .sample(SampleRequest.newBuilder().addPrompts(tokens(0, 'k')).build())
            .getResults(0);

    assertThat(result.getFailure().getReason())
        .isEqualTo(FailureReason.FAILURE_REASON_INVALID_INPUT);
  }

  @Test
  void aPinnedVersionSamplesThoughTheAliasPointsElsewhere() {
    models.publish("2", request -> "two");
    Promotions.promote(mesh, "1", "2");

    SampleResponse pinned =
        mesh.policy()
            .sample(sample("a").setPolicy(ModelSelector.newBuilder().setVersion("1")).build());
    SampleResponse serving = mesh.policy().sample(sample("a").build());

    assertThat(pinned.getPolicyVersion().getVersion()).isEqualTo("1");
    assertThat(serving.getResults(0).getGroup().getCompletions(0).getText()).isEqualTo("two");
  }

  @Test
  void aTrainerWhoLeavesFreesItsPlaces() throws Exception {
    try (TestMesh narrow = TestMesh.start(Map.of("ballast.policy.sample-window", "1"))) {
      ListenableFuture<SampleResponse> call =
          narrow.policyAsync().sample(sample(FakeDecoder.ENDLESS, "b").build());
      FakeDecoder decoder = narrow.models.decoder("1");
      assertThat(decoder.endlessStarted.await(20, TimeUnit.SECONDS)).isTrue();

      call.cancel(true);

      assertThat(decoder.endlessCancelled.await(20, TimeUnit.SECONDS)).isTrue();
      assertThat(narrow.policy().sample(sample("next").build()).getResults(0).hasGroup()).isTrue();
    }
  }

  @Test
  void aDeadlineThatIsTooShort() {
    assertThatThrownBy(
            () ->
                mesh.policy()
                    .withDeadlineAfter(300, TimeUnit.MILLISECONDS)
                    .sample(sample(FakeDecoder.ENDLESS).build()))
        .isInstanceOfSatisfying(
            StatusRuntimeException.class,
            e -> assertThat(e.getStatus().getCode()).isEqualTo(Status.Code.DEADLINE_EXCEEDED));
  }

  @Test
  void logProbabilitiesOfGivenCompletions() {
    LogProbsResponse response =
        mesh.policy()
            .logProbs(
                LogProbsRequest.newBuilder()
                    .addItems(item(text("a"), text("bcd")))
                    .addItems(item(tokens('x'), tokens('y', 'z')))
                    .build());

    assertThat(response.getResults(0).getValue().getLogProbsList()).hasSize(3);
    assertThat(response.getResults(1).getValue().getTokens().getTokenIdsList())
        .containsExactly((int) 'y', (int) 'z');
    assertThat(response.getPolicyVersion().getVersion()).isEqualTo("1");
  }

  @Test
  void oneBadSequenceFailsAloneEvenIfTheEngineFailsTheWholeBatch() {
    List<LogProbsResult> results =
        mesh.policy()
            .logProbs(
                LogProbsRequest.newBuilder()
                    .addItems(item(text("a"), text("good")))
                    .addItems(item(text("a"), text(FakeDecoder.BROKEN)))
                    .addItems(item(text(""), text("b")))
                    .addItems(item(text("a"), TextOrTokens.getDefaultInstance()))
                    .addItems(item(text("a".repeat(200)), text("b".repeat(57))))
                    .addItems(item(text("a"), tokens(-1)))
                    .build())
            .getResultsList();

    assertThat(results.get(0).getValue().getLogProbsList()).hasSize(4);
    assertThat(results.get(1).getFailure().getReason())
        .isEqualTo(FailureReason.FAILURE_REASON_MODEL_ERROR);
    assertThat(results.get(2).getFailure().getMessage())
        .isEqualTo("items[2].prompt: empty (expected: at least one token)");
    assertThat(results.get(3).getFailure().getMessage())
        .isEqualTo("items[3].completion: absent (expected: text or tokens)");
    assertThat(results.get(4).getFailure().getReason())
        .isEqualTo(FailureReason.FAILURE_REASON_TOO_LONG);
    assertThat(results.get(4).getFailure().getMessage())
        .isEqualTo("items[4]: 257 tokens, limit 256");
    assertThat(results.get(5).getFailure().getMessage())
        .isEqualTo("items[5].completion.token_ids[0]: -1 (expected: 0 to 65535)");
  }

  private static void assertFailure(SampleResult result, FailureReason reason, String message) {
    assertThat(result.getFailure().getReason()).isEqualTo(reason);
    assertThat(result.getFailure().getMessage()).isEqualTo(message);
  }

  private static SampleRequest.Builder sample(String... prompts) {
    SampleRequest.Builder request = SampleRequest.newBuilder();
    for (String prompt : prompts) {
      request.addPrompts(text(prompt));
    }
    return request;
  }

  private static LogProbsItem item(TextOrTokens prompt, TextOrTokens completion) {
    return LogProbsItem.newBuilder().setPrompt(prompt).setCompletion(completion).build();
  }

  private static TextOrTokens text(String text) {
    return TextOrTokens.newBuilder().setText(text).build();
  }

  private static TextOrTokens tokens(int... ids) {
    TokenSequence.Builder sequence = TokenSequence.newBuilder();
    for (int id : ids) {
      sequence.addTokenIds(id);
    }
    return TextOrTokens.newBuilder().setTokens(sequence).build();
  }
}
