package io.ballast.inference.torch;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.inference.api.TokenIds;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Groups of like lengths are computed together, so that little of a batch is padding. */
class PackedGroupsTest {
  private static final int BUDGET = 2_560;

  /** Rows of so many tokens: a prompt, and a completion whose only token predicts nothing. */
  private static List<CompletionGroup> rows(int... lengths) {
    return IntStream.of(lengths)
        .mapToObj(
            length -> new CompletionGroup(TokenIds.of(new int[length]), List.of(TokenIds.of(1))))
        .toList();
  }

  /** From 20 to 400 tokens, several completions each, in no order. */
  private static List<CompletionGroup> unlike(int count) {
    RandomGenerator random = new SplittableRandom(5);
    List<CompletionGroup> groups = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      List<TokenIds> completions = new ArrayList<>();
      for (int g = 0; g < 4; g++) {
        completions.add(TokenIds.of(new int[1 + random.nextInt(90)]));
      }
      groups.add(new CompletionGroup(TokenIds.of(new int[20 + random.nextInt(21)]), completions));
    }
    return groups;
  }

  private static int longest(List<Integer> batch, List<CompletionGroup> groups) {
    return batch.stream().mapToInt(i -> PackedGroups.rowLength(groups.get(i))).max().orElseThrow();
  }

  private static int shortest(List<Integer> batch, List<CompletionGroup> groups) {
    return batch.stream().mapToInt(i -> PackedGroups.rowLength(groups.get(i))).min().orElseThrow();
  }

  @Test
  void shortOnesComeWithShortOnesAndLongOnesWithLongOnes() {
    // sorted 10, 11, 12, 98, 100, 101: a fourth beside the short ones is 4·98 = 392 with its
    // padding, over the budget; the three long ones are 3·101 = 303, just within it
    assertThat(PackedGroups.batches(rows(10, 100, 11, 98, 12, 101), 303))
        .containsExactly(List.of(0, 2, 4), List.of(3, 1, 5));
    assertThat(PackedGroups.batches(rows(10, 100, 11, 98, 12, 101), 302))
        .containsExactly(List.of(0, 2, 4), List.of(3, 1), List.of(5));
  }

  @Test
  void oneThatIsLongerThanTheBudgetIsAlone() {
    assertThat(PackedGroups.batches(rows(9, 500, 9), 100))
        .containsExactly(List.of(0, 2), List.of(1));
    assertThat(PackedGroups.batches(List.of(), 100)).isEmpty();
  }

  @Test
  void sortedTheyHaveLessPaddingThanAsTheyCame() {
    // as they came, both batches within the same budget: 100 beside 10 and 11, 101 beside 98 and
    // 12, which is 90 + 89 + 3 + 89; sorted 2 + 1 beside 12, and 3 + 1 beside 101
    List<CompletionGroup> groups = rows(10, 100, 11, 98, 12, 101);

    assertThat(padding(List.of(List.of(0, 1, 2), List.of(3, 4, 5)), groups)).isEqualTo(271);
    assertThat(padding(PackedGroups.batches(groups, 303), groups)).isEqualTo(7);
  }

  @Test
  void everyGroupIsInOneBatchWhichPaddingIncludedIsWithinTheBudgetUnlessItIsAlone() {
    List<CompletionGroup> groups = new ArrayList<>(unlike(250));
    groups.addAll(rows(BUDGET + 1, 2 * BUDGET));
    groups.addAll(unlike(248));

    List<List<Integer>> batches = PackedGroups.batches(groups, BUDGET);

    assertThat(batches.stream().flatMap(List::stream))
        .containsExactlyInAnyOrderElementsOf(IntStream.range(0, 500).boxed().toList());
    assertThat(batches.subList(batches.size() - 2, batches.size()))
        .containsExactly(List.of(250), List.of(251));
    assertThat(batches.subList(0, batches.size() - 2))
        .allSatisfy(
            batch -> assertThat(batch.size() * longest(batch, groups)).isLessThanOrEqualTo(BUDGET));
    for (int b = 1; b < batches.size(); b++) {
      assertThat(longest(batches.get(b - 1), groups))
          .isLessThanOrEqualTo(shortest(batches.get(b), groups));
    }
  }

  @Test
  void howeverManyThereAreTheirPaddingIsBounded() {
    // of a batch n·(longest − shortest) ≤ budget·(1 − shortest/longest)
    //                                  ≤ budget·ln(longest/shortest),
    // and what the batches span does not overlap: the logarithms add up to that of all
    for (int count : new int[] {50, 500, 5_000}) {
      List<CompletionGroup> groups = unlike(count);
      List<Integer> all = IntStream.range(0, count).boxed().toList();
      double bound = BUDGET * Math.log((double) longest(all, groups) / shortest(all, groups));

      assertThat(padding(PackedGroups.batches(groups, BUDGET), groups))
          .isLessThanOrEqualTo((long) bound);
    }
    List<CompletionGroup> groups = unlike(5_000);
    List<List<Integer>> sorted = PackedGroups.batches(groups, BUDGET);
    assertThat(padding(sorted, groups)).isLessThan(padding(shuffled(sorted), groups) / 10);
  }

  /** Tokens that are computed for nothing. */
  private static long padding(List<List<Integer>> batches, List<CompletionGroup> groups) {
    long padding = 0;
    for (List<Integer> batch : batches) {
      int longest = longest(batch, groups);
      for (int i : batch) {
        padding += longest - PackedGroups.rowLength(groups.get(i));
      }
    }
    return padding;
  }

  /** Batches of the same sizes with whatever groups. */
  private static List<List<Integer>> shuffled(List<List<Integer>> batches) {
    List<Integer> all = new ArrayList<>(batches.stream().flatMap(List::stream).toList());
    Collections.shuffle(all, new Random(1));
    List<List<Integer>> mixed = new ArrayList<>();
    int from = 0;
    for (List<Integer> batch : batches) {
      mixed.add(all.subList(from, from + batch.size()));
      from += batch.size();
    }
    return mixed;
  }
}
