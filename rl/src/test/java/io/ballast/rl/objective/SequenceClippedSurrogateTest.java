package io.ballast.rl.objective;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.ballast.rl.sample.Batch;
import io.ballast.rl.sample.PerTokenName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** GSPO clips one ratio a completion. */
class SequenceClippedSurrogateTest {
  private static final SequenceClippedSurrogate GSPO =
      new SequenceClippedSurrogate(ClipRange.of(3e-4, 4e-4));

  @ParameterizedTest
  @CsvSource({"1, -1.0004", "-1, 1.020201"})
  void aHandComputedCompletion(double advantage, double expected) {
    // mean log-ratio (.02 − .01 + .05)/3 = .02; s = e^.02 = 1.020201
    Batch batch = Samples.oneGroup(Samples.withLogRatios(advantage, .02, -.01, .05));
    assertThat(GSPO.evaluate(batch).value()).isCloseTo(expected, within(1e-6));
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void theGradientIsTheSlope(long seed) {
    Batch oneAdvantageEach =
        Samples.random(seed)
            .map(s -> s.withAll(PerTokenName.ADVANTAGE, s.numbers(PerTokenName.ADVANTAGE).get(0)));
    Samples.assertGradientIsTheSlope(
        new SequenceClippedSurrogate(ClipRange.symmetric(.2)), oneAdvantageEach);
  }

  @Test
  void aCompletionOfOneTokenIsPpo() {
    Batch batch = Samples.oneGroup(Samples.withLogRatios(2, .1), Samples.withLogRatios(-1, -.4));
    ClipRange clip = ClipRange.symmetric(.2);
    ObjectiveResult ppo = new ClippedSurrogate(clip, Aggregation.tokenMean()).evaluate(batch);
    ObjectiveResult gspo = new SequenceClippedSurrogate(clip).evaluate(batch);
    assertThat(gspo.value()).isCloseTo(ppo.value(), within(1e-12));
    assertThat(gspo.gradients()).isEqualTo(ppo.gradients());
  }

  @Test
  void tokensWithAdvantagesOfTheirOwnPullForThemselves() {
    // GSPO-token: s = e^.3 > 1.2 for both tokens. The good one is stopped, the bad one is not:
    // −2·1.2 and 1·1.349859, mean −.525071; gradient 0 and 1.349859/2
    Batch batch =
        Samples.oneGroup(Samples.withLogRatios(0, .1, .5).with(PerTokenName.ADVANTAGE, 2, -1));
    ObjectiveResult result = new SequenceClippedSurrogate(ClipRange.symmetric(.2)).evaluate(batch);
    assertThat(result.value()).isCloseTo(-.525071, within(1e-6));
    assertThat(result.gradients().getFirst().logProbs().toArray())
        .containsExactly(new double[] {0, .674929}, within(1e-6));
    assertThat(result.metrics()).containsEntry(ObjectiveMetric.CLIP_FRACTION, .5);
  }
}
