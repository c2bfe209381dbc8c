package io.ballast.rl.objective;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import io.ballast.rl.sample.Batch;
import io.ballast.rl.sample.PerTokenName;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The clipped surrogate stops pulling once a ratio has moved far enough. */
class ClippedSurrogateTest {
  private static double loss(ClipRange clip, double advantage, double ratio) {
    Batch batch = Samples.oneGroup(Samples.withLogRatios(advantage, Math.log(ratio)));
    return new ClippedSurrogate(clip, Aggregation.tokenMean()).evaluate(batch).value();
  }

  @ParameterizedTest
  @CsvSource({"1, 1.3, -1.2", "-1, 1.3, 1.3", "1, .7, -.7", "-1, .7, .8"})
  void theFourQuadrants(double advantage, double ratio, double expected) {
    assertThat(loss(ClipRange.symmetric(.2), advantage, ratio)).isCloseTo(expected, within(1e-12));
  }

  @Test
  void clipHigherLetsGoodTokensRiseFurther() {
    // DAPO: 1.25 is inside 1.28, outside 1.2
    assertThat(loss(ClipRange.of(.2, .28), 1, 1.25)).isCloseTo(-1.25, within(1e-12));
    assertThat(loss(ClipRange.of(.2, .2), 1, 1.25)).isCloseTo(-1.2, within(1e-12));
  }

  @Test
  void dualClipBoundsTheLossOfABadToken() {
    // Â = −1, ρ = 5: unclipped 5, held at 3
    assertThat(loss(ClipRange.symmetric(.2).withDual(3), -1, 5)).isCloseTo(3, within(1e-12));
    assertThat(loss(ClipRange.symmetric(.2), -1, 5)).isCloseTo(5, within(1e-12));
  }

  @Test
  void ppoMaxExample() {
    // −.6025·1.2 = −.723 and −.45·e^(−.3) = −.333368; their mean
    Batch batch =
        Samples.oneGroup(
            Samples.withLogRatios(0, .3, -.3).with(PerTokenName.ADVANTAGE, .6025, .45));
    ObjectiveResult result =
        new ClippedSurrogate(ClipRange.symmetric(.2), Aggregation.tokenMean()).evaluate(batch);
    assertThat(result.value()).isCloseTo(-.528184, within(1e-6));
    assertThat(result.metrics()).containsEntry(ObjectiveMetric.CLIP_FRACTION, .5);
  }

  @Test
  void onPolicyItIsThePolicyGradient() {
    Batch batch =
        Samples.random(1)
            .map(
                s ->
                    s.with(
                        PerTokenName.BEHAVIOUR_LOG_PROB,
                        s.numbers(PerTokenName.CURRENT_LOG_PROB).toArray()));
    Aggregation mean = Aggregation.tokenMean();
    assertThat(new ClippedSurrogate(ClipRange.symmetric(.2), mean).evaluate(batch).gradients())
        .isEqualTo(new PolicyGradient(mean).evaluate(batch).gradients());
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4})
  void theGradientIsTheSlope(long seed) {
    for (LossAggregation mode : LossAggregation.values()) {
      Samples.assertGradientIsTheSlope(
          new ClippedSurrogate(ClipRange.of(.2, .28).withDual(1.5), new Aggregation(mode, 8)),
          Samples.random(seed));
    }
  }

  @Test
  void anAbsurdRatioStaysANumberAndStopsPulling() {
    Batch batch = Samples.oneGroup(Samples.withLogRatios(-1, 5000));
    ObjectiveResult result =
        new ClippedSurrogate(ClipRange.symmetric(.2), Aggregation.tokenMean()).evaluate(batch);
    assertThat(result.value()).isFinite();
    assertThat(result.gradients().getFirst().logProbs().get(0)).isEqualTo(0);
    assertThat(result.metrics())
        .isEqualTo(
            Map.of(ObjectiveMetric.CLIP_FRACTION, 1.0, ObjectiveMetric.MEAN_RATIO, Math.exp(20)));
  }

  @Test
  void maskedTokensHaveNoPart() {
    Batch batch =
        Samples.oneGroup(
            Samples.withLogRatios(1, 0, 0, .1, .2).with(PerTokenName.LOSS_MASK, 0, 0, 1, 1));
    ObjectiveResult result =
        new ClippedSurrogate(ClipRange.symmetric(.3), Aggregation.tokenMean()).evaluate(batch);
    assertThat(result.value()).isCloseTo(-(Math.exp(.1) + Math.exp(.2)) / 2, within(1e-12));
    assertThat(result.gradients().getFirst().logProbs().toArray()).startsWith(0, 0);
  }

  @Test
  void whatIsAbsentIsNamed() {
    Batch batch = Samples.oneGroup(Samples.blank(1).withAll(PerTokenName.CURRENT_LOG_PROB, -1));
    assertThatIllegalArgumentException()
        .isThrownBy(
            () ->
                new ClippedSurrogate(ClipRange.symmetric(.2), Aggregation.tokenMean())
                    .evaluate(batch))
        .withMessage("BEHAVIOUR_LOG_PROB: absent (present: [CURRENT_LOG_PROB])");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> ClipRange.symmetric(0))
        .withMessage("clip.low: 0.0 (expected: above 0, at most 1)");
  }
}
