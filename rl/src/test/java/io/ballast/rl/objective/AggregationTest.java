package io.ballast.rl.objective;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import io.ballast.rl.sample.Batch;
import io.ballast.rl.sample.Group;
import io.ballast.rl.sample.PerTokenName;
import io.ballast.rl.sample.Sample;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The aggregation says what a completion's length does to its weight. */
class AggregationTest {
  /** Token losses [[1, 1], [4, 4, 4, 4]]: policy-gradient losses of advantages −1 and −4. */
  private static final Batch BATCH =
      Samples.oneGroup(Samples.blank(2), Samples.blank(4))
          .map(sample -> sample.withAll(PerTokenName.CURRENT_LOG_PROB, 1))
          .map(sample -> sample.withAll(PerTokenName.ADVANTAGE, sample.size() == 2 ? -1 : -4));

  private static double loss(Aggregation aggregation) {
    return new PolicyGradient(aggregation).evaluate(BATCH).value();
  }

  @Test
  void fourWaysToAddTheSameTokens() {
    // (1 + 1 + 4·4)/6 = 3; (1 + 4)/2 = 2.5; (2 + 16)/2 = 9; 18/(2·8) = 1.125
    assertThat(loss(Aggregation.tokenMean())).isCloseTo(3.0, within(1e-12));
    assertThat(loss(Aggregation.sequenceMeanTokenMean())).isCloseTo(2.5, within(1e-12));
    assertThat(loss(Aggregation.sequenceMeanTokenSum())).isCloseTo(9.0, within(1e-12));
    assertThat(loss(Aggregation.constantDivisor(8))).isCloseTo(1.125, within(1e-12));
  }

  @Test
  void aMeanOverGroupsWeighsEachPromptTheSame() {
    Sample two = BATCH.samples().getFirst();
    Sample four = BATCH.samples().getLast();
    Batch batch =
        new Batch(
            List.of(
                new Group("0", List.of(two, four)),
                new Group("1", List.of(four)),
                new Group("2", List.of(two.withAll(PerTokenName.LOSS_MASK, 0)))));

    // the third takes no part: ((2·1 + 4·4)/6 + 4)/2 = 3.5
    assertThat(new PolicyGradient(Aggregation.groupMeanTokenMean()).evaluate(batch).value())
        .isCloseTo(3.5, within(1e-12));
    assertThat(Aggregation.groupMeanTokenMean().tokenWeights(batch))
        .containsExactly(new double[] {1 / 12.0, 1 / 12.0, 1 / 8.0, 0}, within(1e-12));
    // of one group it is the mean over tokens
    assertThat(Aggregation.groupMeanTokenMean().tokenWeights(BATCH))
        .containsExactly(Aggregation.tokenMean().tokenWeights(BATCH), within(1e-12));
  }

  @Test
  void equalLengthsMakeTheMeansOne() {
    Batch equal = BATCH.map(sample -> BATCH.samples().getFirst());
    assertThat(Aggregation.tokenMean().tokenWeights(equal))
        .containsExactly(Aggregation.sequenceMeanTokenMean().tokenWeights(equal), within(1e-12));
    assertThat(Aggregation.constantDivisor(2).tokenWeights(equal))
        .containsExactly(Aggregation.tokenMean().tokenWeights(equal), within(1e-12));
  }

  @Test
  void aFullyMaskedCompletionTakesNoPart() {
    Sample masked = BATCH.samples().getFirst().withAll(PerTokenName.LOSS_MASK, 0);
    Batch batch = Samples.oneGroup(masked, BATCH.samples().getLast());
    assertThat(Aggregation.sequenceMeanTokenMean().tokenWeights(batch)).containsExactly(0, .25);
  }

  @Test
  void aBatchWithoutTokensIsRefused() {
    Batch masked = BATCH.map(sample -> sample.withAll(PerTokenName.LOSS_MASK, 0));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Aggregation.tokenMean().tokenWeights(masked))
        .withMessage("LOSS_MASK: 0 for every token (expected: at least one)");
  }
}
