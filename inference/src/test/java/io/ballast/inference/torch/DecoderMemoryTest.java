package io.ballast.inference.torch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.PerToken;
import io.ballast.inference.api.PromptAndCompletion;
import io.ballast.inference.api.TokenIds;
import io.ballast.inference.memory.MemoryBudget;
import io.ballast.inference.memory.MemoryNeed;
import io.ballast.inference.store.WeightType;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a decoder reserves: weights to the byte, keys and values by their bound, steps roughly. */
class DecoderMemoryTest {
  @TempDir Path folder;

  @Test
  void weightsAreThoseThatAreKept() {
    for (DecoderConfig config : new DecoderConfig[] {TinyModels.CONFIG, TinyModels.UNTIED}) {
      for (Arithmetic arithmetic : Arithmetic.values()) {
        ServingOptions options = new ServingOptions(arithmetic, 4, 6, 64);
        try (TrainedWeights kept =
            new TrainedWeights(new ParameterLayout(config), arithmetic, false)) {
          // and a cosine and a sine for each position and half a head, each twice
          long rotary =
              2L
                  * config.contextTokens()
                  * config.headSize()
                  * LengthClasses.bytes(arithmetic.full());
          assertThat(TorchDecoder.memoryNeed(config, options).weightBytes())
              .isEqualTo(kept.bytes() + rotary);
        }
      }
    }
  }

  @Test
  void keysAndValuesAreBoundedByRowsOrByTheOption() {
    // 2 blocks · 2 heads · 4 numbers · 32 tokens · 4 bytes, keys and values: 4,096 bytes a row
    ServingOptions few =
        new ServingOptions(Arithmetic.FLOAT32, 4, 6, 64).withPrefixCacheBytes(1_000);
    assertThat(TorchDecoder.memoryNeed(TinyModels.CONFIG, few).keyValueBytes())
        .isEqualTo(4 * 4_096 + 1_000);
    assertThat(
            TorchDecoder.memoryNeed(TinyModels.CONFIG, few.withKeyValueBytes(7_000))
                .keyValueBytes())
        .isEqualTo(7_000 + 1_000);
  }

  @Test
  void moreOfAStepNeedsMore() {
    ServingOptions small = new ServingOptions(Arithmetic.FLOAT32, 4, 6, 1_024);
    ServingOptions large = new ServingOptions(Arithmetic.FLOAT32, 4, 6, 2_048);
    DecoderConfig config = DecoderConfig.tiny(4_096);

    long of1024 = TorchDecoder.memoryNeed(config, small).activationBytes();
    long of2048 = TorchDecoder.memoryNeed(config, large).activationBytes();

    // twice the tokens, and the same logits of 256 rows (4,096 numbers, three copies of 4 bytes)
    long logits = 256L * 4_096 * 12;
    assertThat(of2048 - logits).isBetween((of1024 - logits) * 18 / 10, (of1024 - logits) * 2);
  }

  @Test
  void aModelThatClaimsToBeHugeDoesNotOverflow() {
    DecoderConfig huge =
        new DecoderConfig(
            1 << 20, 1 << 30, 1_024, 1 << 10, 1 << 10, 1 << 30, 1 << 30, 1e-5, 1e4, true, 0, 0);
    MemoryNeed need = TorchDecoder.memoryNeed(huge, ServingOptions.defaults());
    assertThatThrownBy(() -> new MemoryBudget(1L << 40).reserve("huge/1", need))
        .isInstanceOf(ModelException.class)
        .hasMessageStartingWith("huge/1: needs ");
  }

  @Test
  void aDecoderHoldsItsShareUntilItIsClosed() throws IOException {
    ServingOptions options = new ServingOptions(Arithmetic.FLOAT32, 4, 6, 64);
    Path tokenizer = TinyTokenizer.write(folder);
    DecoderConfig config =
        new DecoderConfig(
            16, 24, 1, 2, 2, TinyTokenizer.vocabularySize(), 32, 1e-5, 10_000, true, 0, 0);
    try (TrainableDecoder trained = TinyModels.trainable(config, Arithmetic.FLOAT32)) {
      trained.save(folder.resolve("m"), WeightType.FLOAT32, tokenizer, Map.of());
    }
    long need = TorchDecoder.memoryNeed(config, options).bytes();
    MemoryBudget budget = new MemoryBudget(2 * need - 1);

    try (TorchDecoder first =
        TorchDecoder.load(folder.resolve("m"), options, "m/1", budget, new KeptVocabulary())) {
      assertThat(budget.takenBytes()).isEqualTo(need);
      assertThatThrownBy(
              () ->
                  TorchDecoder.load(
                      folder.resolve("m"), options, "m/2", budget, new KeptVocabulary()))
          .isInstanceOfSatisfying(
              ModelException.class,
              e -> assertThat(e.reason()).isEqualTo(ModelException.Reason.NO_MEMORY))
          .hasMessageContaining("loaded: m/1 ");
      first.close(); // and once more at the end of the block
      assertThat(budget.takenBytes()).isZero();
    }
    assertThat(budget.takenBytes()).isZero();
    assertThatThrownBy(
            () ->
                TorchDecoder.load(
                    folder.resolve("none"), options, "none", budget, new KeptVocabulary()))
        .isInstanceOf(ModelException.class);
    assertThat(budget.takenBytes()).isZero();
  }

  @Test
  void whatIsLongerThanAStepFindsItsOwnRoomOrIsRefused() throws IOException {
    ServingOptions options = new ServingOptions(Arithmetic.FLOAT32, 4, 6, 64);
    Path tokenizer = TinyTokenizer.write(folder);
    DecoderConfig config =
        new DecoderConfig(
            16, 24, 1, 2, 2, TinyTokenizer.vocabularySize(), 1_024, 1e-5, 10_000, true, 0, 0);
    try (TrainableDecoder trained = TinyModels.trainable(config, Arithmetic.FLOAT32)) {
      trained.save(folder.resolve("m"), WeightType.FLOAT32, tokenizer, Map.of());
    }
    // 512 tokens of a scoring piece and an eighth
    assertThat(DecoderMemory.ofScoring(config, options, List.of(group(576, 1))).bytes()).isZero();
    long need = TorchDecoder.memoryNeed(config, options).bytes();
    long more = DecoderMemory.ofScoring(config, options, List.of(group(900, 1))).bytes();
    // two completions want a mask, of 4 bytes here and 4 on the heap
    assertThat(DecoderMemory.ofScoring(config, options, List.of(group(900, 2))).bytes())
        .isEqualTo(more + 2L * 900 * 900 * 4);
    MemoryBudget budget = new MemoryBudget(need + more);

    try (TorchDecoder decoder =
        TorchDecoder.load(folder.resolve("m"), options, "m/1", budget, new KeptVocabulary())) {
      List<PerToken> known = decoder.logProbs(List.of(sequence(900)));
      assertThat(budget.takenBytes()).isEqualTo(need);

      MemoryBudget.Reservation other = budget.reserve("other/1", new MemoryNeed(more, 0, 0));
      assertThat(decoder.logProbs(List.of(sequence(576))).getFirst().size()).isEqualTo(1);
      assertThatThrownBy(() -> decoder.logProbs(List.of(sequence(5), sequence(900))))
          .isInstanceOfSatisfying(
              ModelException.class,
              e -> assertThat(e.reason()).isEqualTo(ModelException.Reason.NO_MEMORY))
          .hasMessageStartingWith("m/1, a sequence of 900 tokens to score: needs ");

      other.close();
      assertThat(decoder.logProbs(List.of(sequence(900)))).isEqualTo(known);
      assertThatThrownBy(() -> decoder.logProbs(List.of(sequence(1_000))))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageStartingWith("a sequence of 1,000 tokens to score: needs ")
          .hasMessageEndingWith("beside the model, more than there ever is");
    }
    assertThat(budget.takenBytes()).isZero();
  }

  /** A prompt of so many tokens with completions of one. */
  private static CompletionGroup group(int prompt, int completions) {
    return new CompletionGroup(
        sequence(prompt).prompt(), Collections.nCopies(completions, TokenIds.of(1)));
  }

  /** A prompt of so many tokens, and one more. */
  private static PromptAndCompletion sequence(int prompt) {
    int[] ids = new int[prompt];
    Arrays.setAll(ids, t -> 1 + t % (TinyTokenizer.vocabularySize() - 1));
    return new PromptAndCompletion(TokenIds.of(ids), TokenIds.of(1));
  }
}
