package io.ballast.inference.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.inference.grammar.Grammar;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Options outside their range are refused when they are built, the field named as on the wire. */
class SamplingOptionsTest {
  @Test
  void theBuilderBeginsWithTheModelsOwnDistribution() {
    assertThat(SamplingOptions.builder().build())
        .isEqualTo(
            new SamplingOptions(
                1, 0, 1, 0, 1, 0, 0, Map.of(), 0, 128, List.of(), List.of(), null, 0));
  }

  @Test
  void everyFieldOfTheBuilderArrivesAndIsKeptByAnotherSeed() {
    Grammar grammar = Grammar.regex("a+");
    SamplingOptions all =
        SamplingOptions.builder()
            .temperature(0.5)
            .topK(7)
            .topP(0.9)
            .minP(0.1)
            .repetitionPenalty(1.1)
            .presencePenalty(-1)
            .frequencyPenalty(2)
            .logitBias(Map.of(3, -100.0))
            .minNewTokens(2)
            .maxNewTokens(64)
            .stopStrings(List.of("\n"))
            .stopTokenIds(List.of(5))
            .grammar(grammar)
            .seed(11)
            .build();
    SamplingOptions expected =
        new SamplingOptions(
            0.5,
            7,
            0.9,
            0.1,
            1.1,
            -1,
            2,
            Map.of(3, -100.0),
            2,
            64,
            List.of("\n"),
            List.of(5),
            grammar,
            11);
    assertThat(all).isEqualTo(expected);
    assertThat(all.withSeed(12).withSeed(11)).isEqualTo(all);
    assertThat(all.withSeed(12).seed()).isEqualTo(12);
  }

  private static Arguments bad(UnaryOperator<SamplingOptions.Builder> change, String message) {
    return Arguments.of(change, message);
  }

  static List<Arguments> outsideTheirRange() {
    Map<Integer, Double> many = new HashMap<>();
    for (int id = 0; id < 1_025; id++) {
      many.put(id, 1.0);
    }
    return List.of(
        bad(b -> b.temperature(0.001), "temperature: 0.001 (expected: 0, or 0.01 to 10)"),
        bad(b -> b.temperature(Double.NaN), "temperature: NaN (expected: 0, or 0.01 to 10)"),
        bad(b -> b.topK(-1), "top_k: -1 (expected: ≥ 0; 0 means all)"),
        bad(b -> b.topP(0), "top_p: 0.0 (expected: > 0 and ≤ 1)"),
        bad(b -> b.minP(1.5), "min_p: 1.5 (expected: 0 to 1)"),
        bad(b -> b.minP(Double.NaN), "min_p: NaN (expected: 0 to 1)"),
        bad(b -> b.repetitionPenalty(0), "repetition_penalty: 0.0 (expected: 0.01 to 10)"),
        bad(b -> b.presencePenalty(-3), "presence_penalty: -3.0 (expected: -2 to 2)"),
        bad(b -> b.frequencyPenalty(2.5), "frequency_penalty: 2.5 (expected: -2 to 2)"),
        bad(b -> b.logitBias(many), "logit_bias: 1,025 tokens (expected: at most 1,024)"),
        bad(b -> b.logitBias(Map.of(-1, 0.0)), "logit_bias: token -1 (expected: ≥ 0)"),
        bad(b -> b.logitBias(Map.of(7, 101.0)), "logit_bias[7]: 101.0 (expected: -100 to 100)"),
        bad(b -> b.logitBias(Map.of(7, Double.NaN)), "logit_bias[7]: NaN (expected: -100 to 100)"),
        bad(b -> b.maxNewTokens(0), "max_new_tokens: 0 (expected: 1 to 4,096)"),
        bad(
            b -> b.maxNewTokens(8).minNewTokens(9),
            "min_new_tokens: 9 (expected: 0 to max_new_tokens, which is 8)"),
        bad(
            b -> b.stopStrings(Collections.nCopies(17, "a")),
            "stop_strings: 17 (expected: at most 16)"),
        bad(
            b -> b.stopStrings(List.of("a", "")),
            "stop_strings[1]: 0 characters (expected: 1 to 1,024)"),
        bad(
            b -> b.stopStrings(List.of("a".repeat(10_000))),
            "stop_strings[0]: 10,000 characters (expected: 1 to 1,024)"),
        bad(
            b -> b.stopTokenIds(Collections.nCopies(17, 1)),
            "stop_token_ids: 17 (expected: at most 16)"),
        bad(b -> b.stopTokenIds(List.of(-1)), "stop_token_ids: -1 (expected: ≥ 0)"));
  }

  @ParameterizedTest
  @MethodSource("outsideTheirRange")
  void whatIsOutsideItsRangeIsNamed(UnaryOperator<SamplingOptions.Builder> change, String message) {
    SamplingOptions.Builder builder = change.apply(SamplingOptions.builder());
    assertThatThrownBy(builder::build)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(message);
  }
}
