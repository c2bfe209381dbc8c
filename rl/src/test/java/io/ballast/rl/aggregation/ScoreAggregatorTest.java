package io.ballast.rl.aggregation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** An ensemble's number is conservative: disagreement makes it worse, never better. */
class ScoreAggregatorTest {
  private static final double[] SPLIT = {1, 2, 3, 4, 5};
  private static final double[] AGREED = {2, 2, 2, 2, 2};

  @Test
  void handComputed() {
    assertThat(ScoreAggregator.mean().aggregate(SPLIT)).isCloseTo(3, within(1e-12));
    assertThat(ScoreAggregator.worstCase().aggregate(SPLIT)).isEqualTo(1);
    // squared deviations 4 + 1 + 0 + 1 + 4, divided by K = 5 (not 4): 2
    assertThat(ScoreAggregator.spread(SPLIT)).isCloseTo(Math.sqrt(2), within(1e-12));
  }

  @ParameterizedTest
  @CsvSource({".1, 2.8", ".5, 2.0", "1, 1.0", "0, 3.0"})
  void uncertaintyIsPaidFor(double weight, double expected) {
    assertThat(ScoreAggregator.uncertaintyWeighted(weight).aggregate(SPLIT))
        .isCloseTo(expected, within(1e-12));
  }

  @ParameterizedTest
  @CsvSource({".1, 2.75", ".5, 1.75", "1, .5", "0, 3.0"})
  void theFormThatDividesByOneLessIsAnotherMethod(double weight, double expected) {
    // 10/(5 − 1) = 2.5: at K = 5 its λ weighs 5/4 as much as the other's
    assertThat(ScoreAggregator.uncertaintyWeightedSample(weight).aggregate(SPLIT))
        .isCloseTo(expected, within(1e-12));
    assertThat(ScoreAggregator.uncertaintyWeighted(weight * 1.25).aggregate(SPLIT))
        .isCloseTo(expected, within(1e-12));
  }

  @Test
  void medianAndQuantile() {
    assertThat(ScoreAggregator.median().aggregate(SPLIT)).isEqualTo(3);
    assertThat(ScoreAggregator.median().aggregate(new double[] {8, 1, 4, 2})).isEqualTo(3);
    // h = 4·q: at .25 the second lowest, at .1 four tenths of the way from the first to it
    assertThat(ScoreAggregator.lowerQuantile(.25).aggregate(SPLIT)).isEqualTo(2);
    assertThat(ScoreAggregator.lowerQuantile(.1).aggregate(SPLIT)).isCloseTo(1.4, within(1e-12));
    assertThat(ScoreAggregator.lowerQuantile(.5).aggregate(SPLIT)).isEqualTo(3);
    // the order of the members is nothing
    assertThat(ScoreAggregator.lowerQuantile(.1).aggregate(new double[] {3, 5, 1, 4, 2}))
        .isCloseTo(1.4, within(1e-12));
  }

  @Test
  void worstCaseIsNeverOverAQuantileNorAQuantileOverTheMedian() {
    SplittableRandom random = new SplittableRandom(7);
    for (int trial = 0; trial < 500; trial++) {
      double[] scores = random.doubles(1 + trial % 9, -5, 5).toArray();
      double before = ScoreAggregator.worstCase().aggregate(scores);
      for (double q : new double[] {1e-9, .1, .25, .4, .5}) {
        double now = ScoreAggregator.lowerQuantile(q).aggregate(scores);
        assertThat(now).isGreaterThanOrEqualTo(before);
        before = now;
      }
      assertThat(ScoreAggregator.median().aggregate(scores)).isEqualTo(before);
      double q0 = ScoreAggregator.lowerQuantile(1e-12).aggregate(scores);
      assertThat(q0).isCloseTo(ScoreAggregator.worstCase().aggregate(scores), within(1e-9));
    }
  }

  @Test
  void noScoreThatRisesMakesAllButUncertaintyWeightedFall() {
    SplittableRandom random = new SplittableRandom(8);
    for (AggregationMethod method : AggregationMethod.values()) {
      if (method.weighsVariance()) {
        continue;
      }
      for (PessimisticSide side : PessimisticSide.values()) {
        ScoreAggregator aggregator = new ScoreAggregator(method, 1, .2, side);
        for (int trial = 0; trial < 300; trial++) {
          double[] scores = random.doubles(1 + trial % 7, -5, 5).toArray();
          double before = aggregator.aggregate(scores);
          scores[random.nextInt(scores.length)] += random.nextDouble(3);
          assertThat(aggregator.aggregate(scores)).isGreaterThanOrEqualTo(before - 1e-12);
        }
      }
    }
  }

  @Test
  void uncertaintyWeightedFallsWhenOneMemberLikesMore() {
    // (0, 0) → (0, 10): the mean rises by 5, the variance by 25 (by 50 where it divides by K − 1)
    double[] before = {0, 0};
    double[] after = {0, 10};
    assertThat(ScoreAggregator.uncertaintyWeighted(1).aggregate(before)).isEqualTo(0);
    assertThat(ScoreAggregator.uncertaintyWeighted(1).aggregate(after)).isEqualTo(-20);
    assertThat(ScoreAggregator.uncertaintyWeightedSample(1).aggregate(after)).isEqualTo(-45);
  }

  @Test
  void equalScoresAreTheirOwnAggregate() {
    // .1 three times over has a mean that rounds; none may show the dust
    for (AggregationMethod method : AggregationMethod.values()) {
      for (double score : new double[] {.1, -7, 0, Double.MAX_VALUE}) {
        assertThat(
                new ScoreAggregator(method, 9, .3, PessimisticSide.LOW)
                    .aggregate(new double[] {score, score, score}))
            .isEqualTo(score);
      }
    }
  }

  @Test
  void quantilesOfNumbersFarApartDoNotOverflow() {
    double[] apart = {-Double.MAX_VALUE, Double.MAX_VALUE};
    assertThat(ScoreAggregator.median().aggregate(apart)).isEqualTo(0);
    assertThat(ScoreAggregator.lowerQuantile(.25).aggregate(apart))
        .isCloseTo(-Double.MAX_VALUE / 2, within(1e295));
  }

  @Test
  void theMethodsRankTheTwoAnswersDifferently() {
    assertThat(ScoreAggregator.mean().aggregate(SPLIT))
        .isGreaterThan(ScoreAggregator.mean().aggregate(AGREED));
    assertThat(ScoreAggregator.worstCase().aggregate(SPLIT))
        .isLessThan(ScoreAggregator.worstCase().aggregate(AGREED));
    assertThat(ScoreAggregator.uncertaintyWeighted(.5).aggregate(SPLIT))
        .isCloseTo(ScoreAggregator.uncertaintyWeighted(.5).aggregate(AGREED), within(1e-12));
  }

  @Test
  void ofCostsTheHighSideIsWorse() {
    assertThat(ScoreAggregator.worstCase().forCosts().aggregate(SPLIT)).isEqualTo(5);
    assertThat(ScoreAggregator.uncertaintyWeighted(.5).forCosts().aggregate(SPLIT))
        .isCloseTo(4, within(1e-12));
    assertThat(ScoreAggregator.mean().forCosts().aggregate(SPLIT)).isCloseTo(3, within(1e-12));
    assertThat(ScoreAggregator.lowerQuantile(.25).forCosts().aggregate(SPLIT)).isEqualTo(4);
  }

  @Test
  void costsMirrorRewards() {
    double[] negated = Arrays.stream(SPLIT).map(x -> -x).toArray();
    for (AggregationMethod method : AggregationMethod.values()) {
      ScoreAggregator rewards = new ScoreAggregator(method, .3, .3, PessimisticSide.LOW);
      assertThat(rewards.forCosts().aggregate(negated))
          .isCloseTo(-rewards.aggregate(SPLIT), within(1e-12));
    }
  }

  @Test
  void aSharedOffsetShiftsTheAnswer() {
    double[] shifted = Arrays.stream(SPLIT).map(x -> x + 10).toArray();
    for (AggregationMethod method : AggregationMethod.values()) {
      ScoreAggregator rewards = new ScoreAggregator(method, .3, .3, PessimisticSide.LOW);
      assertThat(rewards.aggregate(shifted))
          .isCloseTo(rewards.aggregate(SPLIT) + 10, within(1e-12));
    }
  }

  @Test
  void oneMembersOffsetVanishesInItsScale() {
    // the same member, trained with another offset: raw scores differ by 7, normalised ones do not
    double[] reference = {1, 2, 4};
    double[] offset = {8, 9, 11};
    assertThat(MemberScale.of(offset).normalise(10))
        .isCloseTo(MemberScale.of(reference).normalise(3), within(1e-12));
    assertThat(MemberScale.identity().normalise(3)).isEqualTo(3);
  }

  @Test
  void anEnsembleOfOneIsItself() {
    for (AggregationMethod method : AggregationMethod.values()) {
      assertThat(
              new ScoreAggregator(method, 9, .3, PessimisticSide.LOW).aggregate(new double[] {.3}))
          .isEqualTo(.3);
    }
  }

  @Test
  void aScoreThatIsNoNumberIsNamed() {
    for (AggregationMethod method : AggregationMethod.values()) {
      assertThatIllegalArgumentException()
          .isThrownBy(
              () ->
                  new ScoreAggregator(method, 1, .3, PessimisticSide.LOW)
                      .aggregate(new double[] {1, 2, Double.NaN}))
          .withMessage("scores[2]: NaN (expected: finite)");
    }
    assertThatIllegalArgumentException()
        .isThrownBy(() -> ScoreAggregator.lowerQuantile(0))
        .withMessage("quantile: 0.0 (expected: above 0, at most 0.5)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> ScoreAggregator.lowerQuantile(.51))
        .withMessage("quantile: 0.51 (expected: above 0, at most 0.5)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> MemberScale.of(new double[] {1, 1}))
        .withMessage("std: 0.0 (expected: > 0, finite)");
  }
}
