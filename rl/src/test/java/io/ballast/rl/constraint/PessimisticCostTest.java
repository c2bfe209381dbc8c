package io.ballast.rl.constraint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import io.ballast.rl.bound.BettingBounds;
import io.ballast.rl.bound.BoundMethod;
import io.ballast.rl.bound.MeanBounds;
import io.ballast.rl.sample.Numbers;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** HC-RLHF's pessimistic cost allows for today's error and for tomorrow's safety test. */
class PessimisticCostTest {
  private static final double[] COSTS = {-1.2, -.4, .3, -2, -.9, .1, -1.5, -.7, -.2, -1.1};
  private static final CostBuffer BUFFER = CostBuffer.ofCapacity(10).add(COSTS);

  @Test
  void momentsOfTheBuffer() {
    assertThat(BUFFER.mean()).isCloseTo(-.76, within(1e-12));
    assertThat(BUFFER.sampleStd()).isCloseTo(.7244921593, within(1e-9));
  }

  @ParameterizedTest
  @CsvSource({".1, -.349671", ".05, -.219731", ".01, .057718"})
  void upperBoundWithTenCostsBeforeATestOfAHundred(double delta, double expected) {
    // −.76 + (t(1−δ, 9)/√10 + t(1−δ, 99)/√100)·.724492
    assertThat(new PessimisticCost(delta, 1, 1, 100).upperBound(BUFFER))
        .isCloseTo(expected, within(1e-6));
  }

  @ParameterizedTest
  @CsvSource({"STUDENT_T", "HOEFFDING", "EMPIRICAL_BERNSTEIN"})
  void theTestsWidthIsThatOfItsOwnBound(BoundMethod method) {
    // without C1, and the test's costs being the buffer's: exactly the bound of that test
    double[] costs = {.1, .3, .2, .9, 0, .4, .25, .5, .05, .3};
    CostBuffer buffer = CostBuffer.ofCapacity(10).add(costs);
    double expected =
        switch (method) {
          case STUDENT_T -> MeanBounds.studentTUpper(costs, .5);
          case HOEFFDING -> MeanBounds.hoeffdingUpper(costs, 0, 1, .5);
          case EMPIRICAL_BERNSTEIN, BETTING, CLOPPER_PEARSON ->
              .3
                  + Math.sqrt(
                      2 * Math.log(4) * buffer.moments().std() * buffer.moments().std() / 10)
                  + 7 * Math.log(4) / 27;
        };
    assertThat(new PessimisticCost(.5, 0, 1, 10, method).upperBound(buffer))
        .isCloseTo(expected, within(1e-12));
  }

  @Test
  void aBetIsPredictedByItsLimit() {
    // s² of Bernoulli(.05) is .0475: √(2·.0475·ln 20/2000) = .011928; the bet itself comes near it
    SplittableRandom random = new SplittableRandom(11);
    double[] costs = new double[2000];
    for (int i = 0; i < costs.length; i++) {
      costs[i] = random.nextInt(20) == 0 ? 1 : 0;
    }
    CostBuffer buffer = CostBuffer.ofCapacity(2000).add(costs);
    double predicted =
        new PessimisticCost(.05, 0, 1, 2000, BoundMethod.BETTING).upperBound(buffer)
            - buffer.mean();
    assertThat(predicted).isCloseTo(.011928, within(.001));
    assertThat(BettingBounds.upper(costs, 0, 1, .05) - buffer.mean())
        .isBetween(.8 * predicted, 1.6 * predicted);
  }

  @Test
  void onlyWhatGrowsWithTheSpreadEntersTheLinearisedCost() {
    PessimisticCost hoeffding = new PessimisticCost(.1, 0, 3, 100, BoundMethod.HOEFFDING);
    assertThat(hoeffding.linearised(.7, BUFFER, 1e-3)).isEqualTo(.7);
    assertThat(hoeffding.upperBound(BUFFER) - BUFFER.mean())
        .isCloseTo(3 * Math.sqrt(Math.log(10) / 200), within(1e-12));
  }

  @Test
  void withoutInflationItIsTheMean() {
    assertThat(new PessimisticCost(.1, 0, 0, 100).upperBound(BUFFER)).isEqualTo(BUFFER.mean());
    assertThat(new PessimisticCost(.1, 0, 0, 100).linearised(.7, BUFFER, 1e-3)).isEqualTo(.7);
  }

  @Test
  void theLinearisationIsTheSlopeOfTheBound() {
    // give completion i a little more probability: m + K·s (s from E[C²] − m²) moves by c̃ᵢ − E[c̃]
    PessimisticCost pessimistic = new PessimisticCost(.1, 4, 2, 100);
    double k = pessimistic.inflation(10);
    double unbiased = BUFFER.sampleStd();
    double biased = weightedStd(uniform());
    for (int i = 0; i < COSTS.length; i++) {
      double step = 1e-6;
      double up = bound(k, tilted(i, step));
      double down = bound(k, tilted(i, -step));
      // the code divides by the unbiased s, the exact derivative by the biased one
      double exact = influence(i, k, biased);
      assertThat((up - down) / (2 * step)).isCloseTo(exact, within(1e-6));
      double mean = 0;
      for (double cost : COSTS) {
        mean += pessimistic.linearised(cost, BUFFER, 1e-6) / COSTS.length;
      }
      assertThat(pessimistic.linearised(COSTS[i], BUFFER, 1e-6) - mean)
          .isCloseTo(influence(i, k, unbiased), within(1e-12));
    }
  }

  private static double influence(int i, double k, double std) {
    double mean = BUFFER.mean();
    double square = 0;
    for (double cost : COSTS) {
      square += cost * cost / COSTS.length;
    }
    double c = COSTS[i];
    return c - mean + k * ((c * c - square) - 2 * mean * (c - mean)) / (2 * std);
  }

  private static double bound(double k, double[] weights) {
    double mean = 0;
    for (int i = 0; i < COSTS.length; i++) {
      mean += weights[i] * COSTS[i];
    }
    return mean + k * weightedStd(weights);
  }

  private static double weightedStd(double[] weights) {
    double mean = 0;
    double square = 0;
    for (int i = 0; i < COSTS.length; i++) {
      mean += weights[i] * COSTS[i];
      square += weights[i] * COSTS[i] * COSTS[i];
    }
    return Math.sqrt(square - mean * mean);
  }

  private static double[] uniform() {
    return Numbers.repeated(1.0 / COSTS.length, COSTS.length).toArray();
  }

  private static double[] tilted(int index, double step) {
    double[] weights = uniform();
    for (int i = 0; i < weights.length; i++) {
      weights[i] = weights[i] * (1 - step) + (i == index ? step : 0);
    }
    return weights;
  }

  @Test
  void equalCostsDoNotBlowUp() {
    CostBuffer equal = CostBuffer.ofCapacity(3).add(.5, .5, .5);
    PessimisticCost pessimistic = new PessimisticCost(.1, 1, 1, 100);
    assertThat(pessimistic.upperBound(equal)).isEqualTo(.5);
    assertThat(pessimistic.linearised(.5, equal, .05)).isFinite();
  }

  @Test
  void theBufferForgetsTheOldest() {
    CostBuffer buffer = CostBuffer.ofCapacity(3).add(1, 2).add(3, 4);
    assertThat(buffer.costs()).isEqualTo(Numbers.of(2, 3, 4));
    assertThat(CostBuffer.ofCapacity(2).add(1, 2, 3, 4).costs()).isEqualTo(Numbers.of(3, 4));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> CostBuffer.ofCapacity(2).add(1).sampleStd())
        .withMessage("values.length: 1 (expected: >= 2)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> CostBuffer.ofCapacity(2).mean())
        .withMessage("values: no elements (expected: at least one)");
  }
}
