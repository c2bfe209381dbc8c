package io.ballast.inference.remote;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.ballast.inference.api.SamplingOptions;
import io.ballast.inference.grammar.Grammar;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** What a back end is asked to draw, and what it is not asked. */
class RemoteSamplingTest {
  private static long sent(long seed) {
    return RemoteSampling.json(SamplingOptions.builder().seed(seed).build())
        .path("seed")
        .longValue();
  }

  @Test
  void aSeedIsNaturalAndTheSameEachTime() {
    assertThat(sent(7)).isEqualTo(7);
    assertThat(sent(0)).isZero();
    Random random = new Random(1);
    for (int i = 0; i < 1_000; i++) {
      long seed = random.nextLong();
      assertThat(sent(seed)).isNotNegative().isEqualTo(sent(seed));
      assertThat((int) sent(seed)).as("the bits that llama.cpp keeps").isEqualTo((int) seed);
    }
  }

  @Test
  void noSeedIsAWishForChance() {
    // llama.cpp keeps the lower 32 bits, and draws a seed of its own where they are all ones
    for (long seed : new long[] {-1, 0xFFFF_FFFFL, Long.MAX_VALUE, 0x1234_5678_FFFF_FFFFL}) {
      assertThat((int) sent(seed)).as("of " + seed).isEqualTo(-2);
    }
  }

  @Test
  void greedyAndTheModelsOwnDistributionAreTaken() {
    assertThatCode(() -> RemoteSampling.check(SamplingOptions.greedy(8)))
        .doesNotThrowAnyException();
    assertThatCode(() -> RemoteSampling.check(SamplingOptions.builder().build()))
        .doesNotThrowAnyException();
    // whatever is left of the distribution, the likeliest token is in it
    assertThatCode(
            () ->
                RemoteSampling.check(
                    SamplingOptions.builder().temperature(0).topK(3).topP(0.5).minP(0.2).build()))
        .doesNotThrowAnyException();
  }

  @Test
  void eachWayThatIsNotToldIsRefusedByName() {
    refused("grammar: ", SamplingOptions.builder().grammar(Grammar.regex("a")).build());
    refused("repetition_penalty: 1.5 ", SamplingOptions.builder().repetitionPenalty(1.5).build());
    refused("presence_penalty: -1.0 ", SamplingOptions.builder().presencePenalty(-1).build());
    refused("frequency_penalty: 0.5 ", SamplingOptions.builder().frequencyPenalty(0.5).build());
    refused("logit_bias: 1 ", SamplingOptions.builder().logitBias(Map.of(3, 1.0)).build());
    refused("min_new_tokens: 2 ", SamplingOptions.builder().minNewTokens(2).build());
    refused("temperature: 0.5 ", SamplingOptions.builder().temperature(0.5).build());
    refused("top_k: 3 ", SamplingOptions.builder().topK(3).build());
    refused("top_p: 0.5 ", SamplingOptions.builder().topP(0.5).build());
    refused("min_p: 0.2 ", SamplingOptions.builder().minP(0.2).build());
  }

  private static void refused(String begin, SamplingOptions options) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> RemoteSampling.check(options))
        .withMessageStartingWith(begin);
  }

  @Test
  void stopsGoOnlyWhereThereAreSome() {
    assertThat(RemoteSampling.json(SamplingOptions.greedy(8)).has("stop")).isFalse();
    assertThat(
            RemoteSampling.json(
                    SamplingOptions.builder()
                        .stopStrings(List.of("a", "\n"))
                        .stopTokenIds(List.of(3))
                        .build())
                .toString())
        .contains("\"stop\":[\"a\",\"\\n\"]", "\"stop_token_ids\":[3]");
  }
}
