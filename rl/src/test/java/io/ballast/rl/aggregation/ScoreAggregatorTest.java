package io.ballast.rl.aggregation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
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
  }

  @Test
  void costsMirrorRewards() {
    double[] negated = Arrays.stream(SPLIT).map(x -> -x).toArray();
    for (AggregationMethod method : AggregationMethod.values()) {
      ScoreAggregator rewards = new ScoreAggregator(method, .3, PessimisticSide.LOW);
      assertThat(rewards.forCosts().aggregate(negated))
          .isCloseTo(-rewards.aggregate(SPLIT), within(1e-12));
    }
  }

  @Test
  void aSharedOffsetShiftsTheAnswer() {
    double[] shifted = Arrays.stream(SPLIT).map(x -> x + 10).toArray();
    for (AggregationMethod method : AggregationMethod.values()) {
      ScoreAggregator rewards = new ScoreAggregator(method, .3, PessimisticSide.LOW);
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
      assertThat(new ScoreAggregator(method, 9, PessimisticSide.LOW).aggregate(new double[] {.3}))
          .isEqualTo(.3);
    }
  }

  @Test
  void aScoreThatIsNoNumberIsNamed() {
    for (AggregationMethod method : AggregationMethod.values()) {
      assertThatIllegalArgumentException()
          .isThrownBy(
              () ->
                  new ScoreAggregator(method, 1, PessimisticSide.LOW)
                      .aggregate(new double[] {1, 2, Double.NaN}))
          .withMessage("scores[2]: NaN (expected: finite)");
    }
    assertThatIllegalArgumentException()
        .isThrownBy(() -> MemberScale.of(new double[] {1, 1}))
        .withMessage("std: 0.0 (expected: > 0, finite)");
  }
}
