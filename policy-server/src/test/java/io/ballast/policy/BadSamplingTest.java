package io.ballast.policy;

import static io.ballast.policy.testing.Refusals.assertRefused;
import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.mesh.v1.SamplingOptions;
import io.ballast.policy.v1.LogProbsRequest;
import io.ballast.policy.v1.SampleRequest;
import java.util.Collections;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Sampling that cannot be is refused alike by each call that samples. */
class BadSamplingTest extends BadInputCase {
  @ParameterizedTest
  @ValueSource(ints = {0, -1, 17})
  void candidatesOutOfRange(int count) {
    assertRefused(
        () -> mesh.policy().suggest(request().setCandidatesCount(count).build()),
        "candidates_count: " + count + " (expected: 1 to 16)");
  }

  @ParameterizedTest
  @ValueSource(
      doubles = {
        -1,
        Double.MIN_VALUE,
        0.001,
        10.5,
        Double.NaN,
        Double.POSITIVE_INFINITY,
        Double.NEGATIVE_INFINITY
      })
  void temperatureOutOfRange(double temperature) {
    assertSamplingRefused(
        SamplingOptions.newBuilder().setTemperature(temperature),
        "sampling.temperature: " + temperature + " (expected: 0, or 0.01 to 10)");
  }

  @ParameterizedTest
  @ValueSource(doubles = {0, -0.5, 1.01, Double.NaN, Double.POSITIVE_INFINITY})
  void topPOutOfRange(double topP) {
    assertSamplingRefused(
        SamplingOptions.newBuilder().setTopP(topP),
        "sampling.top_p: " + topP + " (expected: > 0 and ≤ 1)");
  }

  @Test
  void topKBelowZero() {
    assertSamplingRefused(
        SamplingOptions.newBuilder().setTopK(-1),
        "sampling.top_k: -1 (expected: ≥ 0; 0 means all)");
  }

  @ParameterizedTest
  @ValueSource(ints = {0, -3, 4_097})
  void newTokensOutOfRange(int count) {
    assertSamplingRefused(
        SamplingOptions.newBuilder().setMaxNewTokens(count),
        "sampling.max_new_tokens: " + count + " (expected: 1 to 4,096)");
  }

  @Test
  void stopStringsThatAreTooManyOrEmpty() {
    assertSamplingRefused(
        SamplingOptions.newBuilder().addAllStopStrings(Collections.nCopies(17, ";")),
        "sampling.stop_strings: 17 (expected: at most 16)");
    assertSamplingRefused(
        SamplingOptions.newBuilder().addAllStopStrings(Collections.nCopies(1_000, ";")),
        "sampling.stop_strings: 1000 (expected: at most 16)");
    assertSamplingRefused(
        SamplingOptions.newBuilder().addStopStrings(""),
        "sampling.stop_strings[0]: 0 characters (expected: 1 to 1,024)");
  }

  @Test
  void sampleCallsThatAreWrongAsAWhole() {
    assertRefused(
        () -> mesh.policy().sample(SampleRequest.getDefaultInstance()),
        "prompts: 0 items (expected: 1 to 1,024)");
    assertRefused(
        () ->
            mesh.policy()
                .sample(
                    SampleRequest.newBuilder()
                        .addAllPrompts(Collections.nCopies(1_025, text("a")))
                        .build()),
        "prompts: 1,025 items (expected: 1 to 1,024)");
    assertRefused(
        () ->
            mesh.policy()
                .sample(
                    SampleRequest.newBuilder()
                        .addPrompts(text("a"))
                        .setCompletionsCount(65)
                        .build()),
        "completions_count: 65 (expected: 1 to 64)");
    assertRefused(
        () ->
            mesh.policy()
                .sample(
                    SampleRequest.newBuilder()
                        .addPrompts(text("a"))
                        .setMaxPromptTokens(-1)
                        .build()),
        "max_prompt_tokens: -1 (expected: at least 0; 0 means as many as fit)");
    assertRefused(
        () -> mesh.policy().logProbs(LogProbsRequest.getDefaultInstance()),
        "items: 0 items (expected: 1 to 1,024)");
  }

  @Test
  void furtherSamplingOptionsOutsideTheirRange() {
    assertSamplingRefused(
        SamplingOptions.newBuilder().setMinP(1.5), "sampling.min_p: 1.5 (expected: 0 to 1)");
    assertSamplingRefused(
        SamplingOptions.newBuilder().setRepetitionPenalty(0),
        "sampling.repetition_penalty: 0.0 (expected: 0.01 to 10)");
    assertSamplingRefused(
        SamplingOptions.newBuilder().setPresencePenalty(3),
        "sampling.presence_penalty: 3.0 (expected: -2 to 2)");
    assertSamplingRefused(
        SamplingOptions.newBuilder().setFrequencyPenalty(Double.NaN),
        "sampling.frequency_penalty: NaN (expected: -2 to 2)");
    assertSamplingRefused(
        SamplingOptions.newBuilder().setMaxNewTokens(4).setMinNewTokens(5),
        "sampling.min_new_tokens: 5 (expected: 0 to max_new_tokens, which is 4)");
    assertSamplingRefused(
        SamplingOptions.newBuilder().putLogitBias(3, 101),
        "sampling.logit_bias[3]: 101.0 (expected: -100 to 100)");
    assertSamplingRefused(
        SamplingOptions.newBuilder().addStopStrings("a".repeat(10_000)),
        "sampling.stop_strings[0]: 10,000 characters (expected: 1 to 1,024)");
  }

  @Test
  void tokensThatTheModelDoesNotHave() {
    String expected = " (expected: below the vocabulary's size, 65,536)";
    assertSamplingRefused(
        SamplingOptions.newBuilder().putLogitBias(1_000_000, 1),
        "sampling.logit_bias: token 1000000" + expected);
    assertSamplingRefused(
        SamplingOptions.newBuilder().addStopTokenIds(1_000_000),
        "sampling.stop_token_ids: 1000000" + expected);
  }

  @Test
  void grammarsThatAreNotUnderstood() {
    assertSamplingRefused(
        SamplingOptions.newBuilder().setRegex("(a"),
        "sampling.regex: character 3: a ( without its )");
    assertSamplingRefused(
        SamplingOptions.newBuilder().setRegex("[^\\s\\S]"),
        "sampling.regex: no text matches, so that none could ever end");
    assertSamplingRefused(
        SamplingOptions.newBuilder().setJsonSchema("{\"$ref\": \"#\"}"),
        "sampling.json_schema: $.$ref: \"#\" is recursive, which is not supported");
  }

  private void assertSamplingRefused(SamplingOptions.Builder sampling, String message) {
    assertRefused(() -> mesh.policy().suggest(request().setSampling(sampling).build()), message);
    assertRefused(() -> stream(request().setSampling(sampling)), message);
    assertRefused(
        () ->
            mesh.policy()
                .sample(
                    SampleRequest.newBuilder().addPrompts(text("a")).setSampling(sampling).build()),
        message);
  }

  @Test
  void noCompletionsAreAskedForAndAnAbsentCountIsOne() {
    SampleRequest.Builder one = SampleRequest.newBuilder().addPrompts(text("a"));
    for (int count : new int[] {0, -1}) {
      assertRefused(
          () -> mesh.policy().sample(one.clone().setCompletionsCount(count).build()),
          "completions_count: " + count + " (expected: 1 to 64)");
    }
    assertThat(mesh.policy().sample(one.build()).getResults(0).getGroup().getCompletionsList())
        .hasSize(1);
  }

  @Test
  void anAnswerThatNoMemoryHoldsIsNotBegun() {
    assertRefused(
        () ->
            mesh.policy()
                .sample(
                    SampleRequest.newBuilder()
                        .addAllPrompts(Collections.nCopies(1_024, text("a")))
                        .setCompletionsCount(64)
                        .setSampling(SamplingOptions.newBuilder().setMaxNewTokens(65))
                        .build()),
        "completions_count: 1,024 prompts of 64 completions of up to 65 tokens are 4,259,840 tokens"
            + " (expected: at most 4,194,304 a call)");
    assertThat(mesh.models.decoder("1").requests).isEmpty();
  }
}
