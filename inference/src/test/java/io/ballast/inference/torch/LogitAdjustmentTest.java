package io.ballast.inference.torch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.ballast.inference.api.SamplingOptions;
import io.ballast.inference.api.TokenIds;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;

/** Each option changes the logits as its source says, in the order stated. */
class LogitAdjustmentTest {
  private static final int END = 0;

  private static SamplingOptions.Builder options() {
    return SamplingOptions.builder();
  }

  private static LogitAdjustment adjustment(SamplingOptions.Builder options, TokenIds prompt) {
    return Objects.requireNonNull(LogitAdjustment.of(options.build(), prompt, END, 9));
  }

  /** What becomes of {@code logit} if it is that of token {@code id}. */
  private static float adjusted(LogitAdjustment adjustment, int id, float logit) {
    for (int slot = 0; slot < adjustment.size(); slot++) {
      if (adjustment.id(slot) == id) {
        return adjustment.adjusted(slot, logit);
      }
    }
    return logit;
  }

  @Test
  void optionsThatChangeNothingHaveNoAdjustment() {
    assertThat(LogitAdjustment.of(options().topK(3).minP(0.1).build(), TokenIds.of(1, 2), END))
        .isNull();
  }

  @Test
  void theRepetitionPenaltyShrinksWhatPromptOrCompletionContain() {
    LogitAdjustment penalty = adjustment(options().repetitionPenalty(2), TokenIds.of(4, 5));
    penalty.accept(6);
    assertThat(adjusted(penalty, 4, 3)).isEqualTo(1.5f); // 3 / 2
    assertThat(adjusted(penalty, 5, -3)).isEqualTo(-6); // −3 · 2
    assertThat(adjusted(penalty, 6, 1)).isEqualTo(0.5f);
    assertThat(adjusted(penalty, 7, 3)).isEqualTo(3);
  }

  @Test
  void presenceCountsOnceAndFrequencyEachTimeAndNeitherThePrompt() {
    LogitAdjustment penalty =
        adjustment(options().presencePenalty(0.5).frequencyPenalty(0.25), TokenIds.of(4));
    for (int id : new int[] {5, 6, 5, 5}) {
      penalty.accept(id);
    }
    assertThat(adjusted(penalty, 5, 2)).isEqualTo(0.75f); // 2 − 0.5 − 3 · 0.25
    assertThat(adjusted(penalty, 6, 2)).isEqualTo(1.25f); // 2 − 0.5 − 0.25
    assertThat(adjusted(penalty, 4, 2)).isEqualTo(2);
  }

  @Test
  void aBiasIsAddedBeforeThePenaltiesAreTaken() {
    LogitAdjustment both =
        adjustment(
            options().logitBias(Map.of(4, -3.0)).repetitionPenalty(2).presencePenalty(1),
            TokenIds.of(4));
    both.accept(4);
    assertThat(adjusted(both, 4, 1)).isEqualTo(-5); // (1 − 3) · 2 − 1; penalties first: 0.5 − 1 − 3
  }

  @Test
  void nothingEndsBeforeTheFewestTokens() {
    LogitAdjustment minimum = adjustment(options().minNewTokens(2), TokenIds.of(4));
    for (int drawn = 0; drawn < 2; drawn++) {
      assertThat(adjusted(minimum, END, 8)).isEqualTo(Float.NEGATIVE_INFINITY);
      assertThat(adjusted(minimum, 9, 8)).isEqualTo(Float.NEGATIVE_INFINITY);
      minimum.accept(3);
    }
    assertThat(adjusted(minimum, END, 8)).isEqualTo(8);
    assertThat(minimum.size()).isZero(); // and then costs nothing more
  }

  @Test
  void whatElseConcernsTokensThatEndOutlivesTheFewestTokens() {
    Map<Integer, Double> biases = Map.of(END, 2.0, 5, 0.5);
    LogitAdjustment all =
        adjustment(
            options().minNewTokens(2).logitBias(biases).repetitionPenalty(2), TokenIds.of(7, 8));
    all.accept(3);
    all.accept(3);
    assertThat(adjusted(all, END, 8)).isEqualTo(10); // its bias
    assertThat(adjusted(all, 9, 8)).isEqualTo(8); // nothing but that it ends
    for (int id : new int[] {3, 7, 8}) {
      assertThat(adjusted(all, id, 8)).isEqualTo(4);
    }
    all.accept(9);
    assertThat(adjusted(all, 9, 8)).isEqualTo(4);
    assertThat(adjusted(all, 5, 8)).isEqualTo(8.5f);
    assertThat(all.size()).isEqualTo(6);
  }

  @Test
  void thePenaltiesUndoWhatTheirInverseDid() {
    LogitAdjustment stronger = adjustment(options().repetitionPenalty(4), TokenIds.of(1));
    LogitAdjustment weaker = adjustment(options().repetitionPenalty(0.25), TokenIds.of(1));
    for (float logit : new float[] {-7, -0.1f, 0, 0.1f, 7}) {
      assertThat(adjusted(weaker, 1, adjusted(stronger, 1, logit))).isCloseTo(logit, within(1e-6f));
    }
  }

  @Test
  void manyTokensAreRemembered() {
    LogitAdjustment penalty = adjustment(options().frequencyPenalty(1), TokenIds.of(0));
    for (int id = 0; id < 1000; id++) {
      penalty.accept(id / 2);
    }
    assertThat(penalty.size()).isEqualTo(500);
    assertThat(adjusted(penalty, 499, 0)).isEqualTo(-2);
  }

  @Test
  void manyTokensOfThePromptAndManyBiasesAreRemembered() {
    Map<Integer, Double> biases = new HashMap<>();
    int[] prompt = new int[100];
    for (int id = 0; id < 100; id++) {
      prompt[id] = id;
      biases.put(1_000 + id, id / 4.0);
    }
    LogitAdjustment both =
        adjustment(
            options().repetitionPenalty(2).logitBias(biases).minNewTokens(1), TokenIds.of(prompt));
    for (int id = 1; id < 100; id++) {
      assertThat(adjusted(both, id, id == 9 ? 0 : 1)).isEqualTo(id == 9 ? -1f / 0 : 0.5f);
      assertThat(adjusted(both, 1_000 + id, 1)).isEqualTo(1 + id / 4f);
    }
    assertThat(adjusted(both, END, 1)).isEqualTo(Float.NEGATIVE_INFINITY);
  }
}
