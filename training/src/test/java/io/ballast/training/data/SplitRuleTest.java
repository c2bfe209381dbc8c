package io.ballast.training.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.training.data.SplitRule.Part;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** A key is on one side for good, and the sides have about the sizes that were asked for. */
class SplitRuleTest {
  @Test
  void sidesHaveTheSizesAskedFor() {
    SplitRule rule = new SplitRule(3, 20, 10);
    Map<Part, Long> sizes =
        IntStream.range(0, 10_000)
            .mapToObj(i -> rule.of("prompt " + i))
            .collect(Collectors.groupingBy(Function.identity(), Collectors.counting()));
    // a share p of 10,000 has standard deviation below √(10,000·p(1 − p)) ≤ 46: five of them
    assertThat(sizes.get(Part.TRAIN)).isBetween(6_770L, 7_230L);
    assertThat(sizes.get(Part.VALIDATION)).isBetween(1_800L, 2_200L);
    assertThat(sizes.get(Part.TEST)).isBetween(850L, 1_150L);
  }

  @Test
  void aKeyStaysWhereItIsAndAnotherSeedMovesSome() {
    SplitRule first = SplitRule.tenths(1);
    SplitRule second = SplitRule.tenths(2);
    int moved = 0;
    for (int i = 0; i < 1_000; i++) {
      assertThat(first.of("k" + i)).isEqualTo(SplitRule.tenths(1).of("k" + i));
      moved += first.of("k" + i) == second.of("k" + i) ? 0 : 1;
    }
    // apart with probability 1 − (0.8² + 0.1² + 0.1²) = 0.34
    assertThat(moved).isBetween(250, 430);
  }

  @Test
  void aSplitWithoutASideIsRefused() {
    assertThatThrownBy(() -> new SplitRule(1, 0, 10)).hasMessageContaining("0 and 10 percent");
    assertThatThrownBy(() -> new SplitRule(1, 50, 50)).hasMessageContaining("50 and 50 percent");
  }

  @Test
  void whatIsLaterIsHeldOut() {
    List<String> keys = List.of("5", "1", "9", "3", "7", "2", "8", "4", "0", "6");
    Function<String, Part> sides = new SplitRule(1, 20, 10).later(keys);
    assertThat(keys.stream().sorted().map(sides))
        .containsExactly(
            Part.TRAIN,
            Part.TRAIN,
            Part.TRAIN,
            Part.TRAIN,
            Part.TRAIN,
            Part.TRAIN,
            Part.TRAIN,
            Part.VALIDATION,
            Part.VALIDATION,
            Part.TEST);
  }

  @Test
  void equalTimesAreOnOneSide() {
    Function<String, Part> sides = new SplitRule(1, 10, 10).later(List.of("1", "1", "2", "2", "2"));
    assertThat(sides.apply("2"))
        .as("a tenth of five is one, and those equal to it")
        .isEqualTo(Part.TEST);
    assertThat(sides.apply("1")).isEqualTo(Part.TRAIN);
  }
}
