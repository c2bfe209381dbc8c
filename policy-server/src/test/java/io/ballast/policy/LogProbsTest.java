package io.ballast.policy;

import static io.ballast.policy.testing.Refusals.assertFails;
import static io.ballast.policy.testing.Refusals.assertRefused;
import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.kit.error.Fault;
import io.ballast.mesh.v1.FailureReason;
import io.ballast.mesh.v1.TextOrTokens;
import io.ballast.policy.testing.FakeDecoder;
import io.ballast.policy.testing.FakeModels;
import io.ballast.policy.testing.TestMesh;
import io.ballast.policy.v1.LogProbsItem;
import io.ballast.policy.v1.LogProbsRequest;
import io.ballast.policy.v1.LogProbsResult;
import io.ballast.policy.v1.TokenAlternatives;
import io.ballast.policy.v1.TokenLogProbs;
import io.grpc.Status;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What LogProbs tells beside log-probabilities, and how it asks the engine. */
class LogProbsTest {
  private static final String THREE = "x".repeat(3);

  private final FakeModels models = new FakeModels();
  private final TestMesh mesh = TestMesh.start(models);

  @AfterEach
  void stop() {
    mesh.close();
  }

  @Test
  void entropiesAndTheLikeliestTokensOfEachPlace() {
    TokenLogProbs told =
        evaluate(request("ab").setWithEntropies(true).setAlternativesCount(2))
            .getFirst()
            .getValue();

    assertThat(told.getLogProbsList()).containsExactly(FakeDecoder.LOG_PROB, FakeDecoder.LOG_PROB);
    assertThat(told.getEntropiesList()).containsExactly(0.25f, 1.25f);
    assertThat(told.getAlternativesList())
        .containsExactly(alternatives('a', 'b'), alternatives('b', 'c'));
  }

  @Test
  void onlyWhatIsAskedForIsTold() {
    TokenLogProbs plain = evaluate(request("ab")).getFirst().getValue();
    TokenLogProbs unsure = evaluate(request("ab").setWithEntropies(true)).getFirst().getValue();
    TokenLogProbs named = evaluate(request("ab").setAlternativesCount(1)).getFirst().getValue();

    assertThat(plain.getEntropiesList()).isEmpty();
    assertThat(plain.getAlternativesList()).isEmpty();
    assertThat(unsure.getEntropiesList()).hasSize(2);
    assertThat(unsure.getAlternativesList()).isEmpty();
    assertThat(named.getEntropiesList()).isEmpty();
    assertThat(named.getAlternativesList()).hasSize(2);
    assertThat(List.of(unsure.getLogProbsList(), named.getLogProbsList()))
        .containsOnly(plain.getLogProbsList());
  }

  @Test
  void aCountOfAlternativesOutOfItsRange() {
    assertRefused(
        () -> evaluate(request("a").setAlternativesCount(-1)),
        "alternatives_count: -1 (expected: 0 to 128)");
    assertRefused(
        () -> evaluate(request("a").setAlternativesCount(129)),
        "alternatives_count: 129 (expected: 0 to 128)");
  }

  @Test
  void moreAlternativesThanTheVocabularyHas() {
    models.vocabularySize = 122;
    try (TestMesh small = TestMesh.start(models)) {
      assertRefused(
          () -> small.policy().logProbs(request("a").setAlternativesCount(123).build()),
          "alternatives_count: 123 (expected: 0 to 122)");
    }
  }

  @Test
  void moreAlternativesThanAnAnswerHolds() {
    String[] completions = new String[1_024];
    Arrays.fill(completions, "x".repeat(9));
    int before = mesh.models.decoder("1").evaluated.size();

    assertRefused(
        () -> evaluate(request(completions).setAlternativesCount(128)),
        "alternatives_count: 128 for each of 9,216 completion tokens are 1,179,648 alternatives"
            + " (expected: at most 1,048,576 a call)");
    assertThat(mesh.models.decoder("1").evaluated).hasSize(before);
  }

  @Test
  void theEngineIsAskedByTokensNotByItems() {
    // 4,096 tokens at a time: 1,024 items of 1 + 3 tokens are one piece, 17 of 1 + 255 are two
    String[] small = new String[1_024];
    Arrays.fill(small, THREE);
    String[] large = new String[17];
    Arrays.fill(large, "x".repeat(255));

    assertThat(evaluate(request(small))).hasSize(1_024).allMatch(LogProbsResult::hasValue);
    assertThat(evaluate(request(large))).hasSize(17).allMatch(LogProbsResult::hasValue);

    assertThat(mesh.models.decoder("1").evaluated).containsExactly(1_024, 16, 1);
  }

  @Test
  void anEntropyThatIsNoNumberFailsItsItemAlone() {
    List<LogProbsResult> results =
        evaluate(request("good", FakeDecoder.UNSURE, "also good").setWithEntropies(true));

    assertThat(results.get(0).hasValue()).isTrue();
    assertThat(results.get(1).getFailure().getReason())
        .isEqualTo(FailureReason.FAILURE_REASON_MODEL_ERROR);
    assertThat(results.get(1).getFailure().getMessage())
        .isEqualTo("items[1]: entropies[2] is not finite");
    assertThat(results.get(2).hasValue()).isTrue();
  }

  @Test
  void aSequenceThatFindsNoMemoryFailsAlone() {
    List<LogProbsResult> results = evaluate(request("good", FakeDecoder.GREEDY, "also good"));

    assertThat(results.get(0).hasValue()).isTrue();
    assertThat(results.get(1).getFailure().getReason())
        .isEqualTo(FailureReason.FAILURE_REASON_OVERLOADED);
    assertThat(results.get(1).getFailure().getMessage()).contains("needs 9 MiB, 1 is free");
    assertThat(results.get(2).hasValue()).isTrue();
  }

  @Test
  void whatTheEngineCannotTellIsNoFaultOfAnItem() {
    var unused =
        assertFails(
            () -> evaluate(request("good", FakeDecoder.SECRET)),
            Status.Code.UNIMPLEMENTED,
            Fault.NOT_IMPLEMENTED,
            "log-probabilities of tokens");
  }

  @Test
  void anEngineThatIsFullIsNotAskedAgainForEachItem() {
    var unused =
        assertFails(
            () -> evaluate(request("good", FakeDecoder.CROWDED, "also good")),
            Status.Code.RESOURCE_EXHAUSTED,
            Fault.OVERLOADED,
            "the engine's queue is full");

    assertThat(mesh.models.decoder("1").evaluated).containsExactly(3);
  }

  private List<LogProbsResult> evaluate(LogProbsRequest.Builder request) {
    return mesh.policy().logProbs(request.build()).getResultsList();
  }

  private static LogProbsRequest.Builder request(String... completions) {
    LogProbsRequest.Builder request = LogProbsRequest.newBuilder();
    for (String completion : completions) {
      request.addItems(
          LogProbsItem.newBuilder().setPrompt(text("p")).setCompletion(text(completion)));
    }
    return request;
  }

  private static TextOrTokens text(String text) {
    return TextOrTokens.newBuilder().setText(text).build();
  }

  private static TokenAlternatives alternatives(char first, char second) {
    return TokenAlternatives.newBuilder()
        .addTokenIds(first)
        .addTokenIds(second)
        .addLogProbs(FakeDecoder.LOG_PROB)
        .addLogProbs(FakeDecoder.LOG_PROB - 1)
        .build();
  }
}
