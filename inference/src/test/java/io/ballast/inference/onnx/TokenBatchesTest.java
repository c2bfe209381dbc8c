package io.ballast.inference.onnx;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** Texts of like lengths share a batch; no batch is over its budget or mostly padding. */
class TokenBatchesTest {
  @Test
  void aHandComputedCase() {
    // 9 and 10 together: 20 tokens, one of them padding. 4 with them would be 30 > 24.
    // 3 beside 4: one of 8 is padding. 40 is over the budget and runs alone.
    assertThat(TokenBatches.of(new int[] {10, 4, 40, 9, 3}, 24))
        .containsExactly(List.of(4, 1), List.of(3, 0), List.of(2));
  }

  @Test
  void aBatchThatWouldBeMostlyPaddingIsCut() {
    // 2 beside 10 would be 8 of 20, which is over a quarter, although the budget has room
    assertThat(TokenBatches.of(new int[] {2, 10}, 1_000)).containsExactly(List.of(0), List.of(1));
  }

  @Test
  void nothingMakesNoBatch() {
    assertThat(TokenBatches.of(new int[0], 8)).isEmpty();
  }

  @Test
  void everyTextIsInOneBatchWithinBudgetAndPaddingShare() {
    SplittableRandom random = new SplittableRandom(5);
    for (int round = 0; round < 200; round++) {
      int[] lengths = random.ints(random.nextInt(40), 1, 130).toArray();
      int budget = random.nextInt(1, 600);
      List<Integer> seen = new ArrayList<>();
      for (List<Integer> batch : TokenBatches.of(lengths, budget)) {
        seen.addAll(batch);
        int longest = batch.stream().mapToInt(i -> lengths[i]).max().orElseThrow();
        int padded = longest * batch.size();
        int tokens = batch.stream().mapToInt(i -> lengths[i]).sum();
        assertThat(batch.size() == 1 || padded <= budget).isTrue();
        assertThat(4 * (padded - tokens)).isLessThanOrEqualTo(padded);
      }
      assertThat(seen).doesNotHaveDuplicates().hasSize(lengths.length);
    }
  }
}
