package io.ballast.rl.objective;

import static io.ballast.rl.sample.PerTokenName.ADVANTAGE;
import static io.ballast.rl.sample.PerTokenName.BEHAVIOUR_LOG_PROB;
import static io.ballast.rl.sample.PerTokenName.CURRENT_LOG_PROB;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.ballast.rl.sample.Batch;
import io.ballast.rl.sample.Sample;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** CISPO clips the weight of a token and never its gradient. */
class ClippedWeightGradientTest {
  private static final Batch THREE =
      Samples.oneGroup(
          Samples.withLogRatios(0, Math.log(1.5), Math.log(.5), Math.log(1.1))
              .with(ADVANTAGE, 2, -1, 1));

  @Test
  void aHandComputedCompletion() {
    // weights 1.2, .5, 1.1 and log π −.594535, −1.693147, −.904690: 1.2·2·.594535 −
    // .5·1.693147 + 1.1·.904690 = 1.575469; a third is .525156. The first pulls although clipped.
    ObjectiveResult result = ClippedWeightGradient.cispo(.2).evaluate(THREE);
    assertThat(result.value()).isCloseTo(.525156, within(1e-6));
    assertThat(result.gradients().getFirst().logProbs().toArray())
        .containsExactly(new double[] {-.8, .166667, -.366667}, within(1e-6));
    assertThat(result.metrics())
        .containsEntry(ObjectiveMetric.CLIP_FRACTION, 1 / 3.0)
        .containsKey(ObjectiveMetric.MEAN_RATIO);
  }

  @Test
  void aLowerClipMayBeSwitchedOn() {
    // the second weight becomes .7
    ObjectiveResult result =
        new ClippedWeightGradient(ClipRange.of(.3, .2), Aggregation.tokenMean()).evaluate(THREE);
    assertThat(result.value()).isCloseTo(.412280, within(1e-6));
    assertThat(result.metrics()).containsEntry(ObjectiveMetric.CLIP_FRACTION, 2 / 3.0);
  }

  @Test
  void onPolicyItIsThePolicyGradient() {
    Batch batch =
        Samples.random(1)
            .map(s -> s.with(BEHAVIOUR_LOG_PROB, s.numbers(CURRENT_LOG_PROB).toArray()));
    ObjectiveResult cispo = ClippedWeightGradient.cispo(.2).evaluate(batch);
    ObjectiveResult plain = new PolicyGradient(Aggregation.tokenMean()).evaluate(batch);
    assertThat(cispo.value()).isCloseTo(plain.value(), within(1e-12));
    assertThat(cispo.gradients()).isEqualTo(plain.gradients());
  }

  @Test
  void insideTheClipItsGradientIsPpos() {
    Batch batch = Samples.random(2);
    ClipRange wide = ClipRange.of(.9, 9);
    Aggregation mean = Aggregation.sequenceMeanTokenMean();
    List<SampleGradient> cispo = new ClippedWeightGradient(wide, mean).evaluate(batch).gradients();
    List<SampleGradient> ppo = new ClippedSurrogate(wide, mean).evaluate(batch).gradients();
    for (int i = 0; i < ppo.size(); i++) {
      assertThat(cispo.get(i).logProbs().toArray())
          .containsExactly(ppo.get(i).logProbs().toArray(), within(1e-12));
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void theGradientIsTheSlopeAtAConstantWeight(long seed) {
    // where current and behaviour move together, the weight is what it was
    double step = 1e-6;
    Objective cispo =
        new ClippedWeightGradient(ClipRange.of(.2, .28), Aggregation.sequenceMeanTokenMean());
    Batch batch = Samples.random(seed);
    List<SampleGradient> gradients = cispo.evaluate(batch).gradients();
    for (int i = 0; i < gradients.size(); i++) {
      Sample target = batch.samples().get(i);
      for (int t = 0; t < target.size(); t++) {
        double up = cispo.evaluate(bothMoved(batch, target, t, step)).value();
        double down = cispo.evaluate(bothMoved(batch, target, t, -step)).value();
        assertThat(gradients.get(i).logProbs().get(t))
            .isCloseTo((up - down) / (2 * step), within(1e-6));
      }
    }
  }

  private static Batch bothMoved(Batch batch, Sample target, int token, double by) {
    double[] current = target.numbers(CURRENT_LOG_PROB).toArray();
    double[] behaviour = target.numbers(BEHAVIOUR_LOG_PROB).toArray();
    current[token] += by;
    behaviour[token] += by;
    Sample moved = target.with(CURRENT_LOG_PROB, current).with(BEHAVIOUR_LOG_PROB, behaviour);
    return batch.map(sample -> sample.equals(target) ? moved : sample);
  }
}
