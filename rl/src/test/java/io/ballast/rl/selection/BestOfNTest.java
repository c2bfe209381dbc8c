package io.ballast.rl.selection;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Best of n by a proxy: how far it goes, and what it is worth by another measure. */
class BestOfNTest {
  private static final double[] PROXY = {.1, .5, .3, .9};
  private static final double[] GOLD = {1, 2, -1, 0};

  @ParameterizedTest
  @CsvSource({
    "1, 0",
    "2, .193147",
    "4, .636294",
    "16, 1.835089",
    "64, 3.174508",
    "256, 4.549084",
    "1024, 5.932448",
    "4096, 7.318010",
    "6144, 7.723394",
    "8192, 8.011035",
    "12500, 8.433564",
    "60000, 10.002117"
  })
  void nominalKl(int n, double expected) {
    assertThat(BestOfN.kl(n)).isCloseTo(expected, within(1e-6));
  }

  @ParameterizedTest
  @CsvSource({"1, .5", "2, .5", "3, .5", "4, 0"})
  void fromAPoolOfFour(int n, double expected) {
    // sorted by proxy the gold scores are 1, −1, 2, 0; for n = 2 weights 0, 1/6, 2/6, 3/6
    assertThat(BestOfN.expectedGold(PROXY, GOLD, n)).isCloseTo(expected, within(1e-12));
  }

  @Test
  void agreesWithDrawingAllPairs() {
    double sum = 0;
    for (int i = 0; i < 4; i++) {
      for (int j = i + 1; j < 4; j++) {
        sum += PROXY[i] > PROXY[j] ? GOLD[i] : GOLD[j];
      }
    }
    assertThat(BestOfN.expectedGold(PROXY, GOLD, 2)).isCloseTo(sum / 6, within(1e-12));
  }

  @Test
  void weightsSumToOneEvenForPoolsWhereBinomialsOverflow() {
    for (int n : new int[] {1, 2, 17, 4096, 12_600}) {
      assertThat(Arrays.stream(BestOfN.weights(12_600, n)).sum()).isCloseTo(1, within(1e-9));
    }
  }

  @Test
  void equalProxiesShareAndTheOrderOfThePoolDoesNotMatter() {
    assertThat(BestOfN.expectedGold(new double[] {1, 1}, new double[] {0, 4}, 2)).isEqualTo(2);
    assertThat(BestOfN.expectedGold(new double[] {1, 1}, new double[] {4, 0}, 2)).isEqualTo(2);
  }

  @Test
  void withGaussianErrorsGoldRisesHalfAsFastAsTheProxy() {
    // Gao et al.: slope Var X/(Var X + Var Z) = ½ and no decline
    SplittableRandom random = new SplittableRandom(31);
    double[] gold = new double[40_000];
    double[] proxy = new double[40_000];
    for (int i = 0; i < gold.length; i++) {
      gold[i] = random.nextGaussian();
      proxy[i] = gold[i] + random.nextGaussian();
    }
    double before = -1;
    for (int n : new int[] {1, 4, 16, 64, 256}) {
      double value = BestOfN.expectedGold(proxy, gold, n);
      assertThat(value).isGreaterThan(before);
      assertThat(value).isCloseTo(BestOfN.expectedGold(proxy, proxy, n) / 2, within(.1));
      before = value;
    }
  }

  @Test
  void nMustFitThePool() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> BestOfN.expectedGold(PROXY, GOLD, 5))
        .withMessage("n: 5.0 (expected: 1.0 to 4.0)");
  }
}
