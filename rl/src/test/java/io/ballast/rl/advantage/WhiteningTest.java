package io.ballast.rl.advantage;

import static io.ballast.rl.advantage.Whitening.masked;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

/** Whitening brings unmasked values to mean 0 and variance 1. */
class WhiteningTest {
  private static final double EPSILON = 1e-12;

  @Test
  void paddingDoesNotCount() {
    // kept: 1, 2, 3 with mean 2 and unbiased variance 1; the 100 is padding
    assertThat(masked(new double[] {1, 100, 2, 3}, new double[] {1, 0, 1, 1}, EPSILON))
        .containsExactly(new double[] {-1, 0, 0, 1}, within(1e-9));
  }

  @Test
  void anUnmaskedGroupIsGrpo() {
    double[] values = {.3, -1.2, 4, 0};
    assertThat(masked(values, new double[] {1, 1, 1, 1}, 1e-15))
        .containsExactly(GroupAdvantages.standardized(values, 1e-15), within(1e-9));
  }

  @Test
  void nothingToCompareGivesExactZeros() {
    assertThat(masked(new double[] {5, 7}, new double[] {1, 0}, EPSILON)).containsExactly(0, 0);
    assertThat(masked(new double[] {5, 7}, new double[] {0, 0}, EPSILON)).containsExactly(0, 0);
    assertThat(masked(new double[] {.1, .1, .1}, new double[] {1, 1, 1}, EPSILON))
        .containsExactly(0, 0, 0);
  }

  @Test
  void shiftAndScaleDoNotMatter() {
    double[] mask = {1, 1, 0, 1};
    assertThat(masked(new double[] {12, 14, 9, 20}, mask, EPSILON))
        .containsExactly(masked(new double[] {1, 2, 8, 5}, mask, EPSILON), within(1e-9));
  }
}
