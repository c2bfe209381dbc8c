package io.ballast.rl.objective;

import static io.ballast.rl.sample.PerTokenName.BEHAVIOUR_VALUE;
import static io.ballast.rl.sample.PerTokenName.RETURN;
import static io.ballast.rl.sample.PerTokenName.VALUE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.ballast.rl.objective.ValueLoss.Critic;
import io.ballast.rl.sample.Batch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The value loss pulls the critic to its target, no further than the clip at a time. */
class ValueLossTest {
  private static final ValueLoss CLIPPED =
      new ValueLoss(.2, Aggregation.tokenMean(), Critic.REWARD);

  private static Batch one(double value, double old, double target) {
    return Samples.oneGroup(
        Samples.blank(1).with(VALUE, value).with(BEHAVIOUR_VALUE, old).with(RETURN, target));
  }

  @Test
  void handComputed() {
    // V = 1, V_old = .5, G = 0: max(1, .7²)/2 = .5
    assertThat(CLIPPED.evaluate(one(1, .5, 0)).value()).isCloseTo(.5, within(1e-12));
    // V = .2, held at .3, G = 1: max(.8², .7²)/2 = .32
    assertThat(CLIPPED.evaluate(one(.2, .5, 1)).value()).isCloseTo(.32, within(1e-12));
  }

  @Test
  void ppoMaxExample() {
    // (.4025² + .55²)/2/2: the first is held at .2 + .2
    Batch batch =
        Samples.oneGroup(
            Samples.blank(2)
                .with(VALUE, .5, .3)
                .with(BEHAVIOUR_VALUE, .2, .4)
                .with(RETURN, .8025, .85));
    ObjectiveResult result = CLIPPED.evaluate(batch);
    assertThat(result.value()).isCloseTo(.116127, within(1e-6));
    assertThat(result.gradients().getFirst().of(VALUE).get(0)).as("held").isEqualTo(0);
  }

  @ParameterizedTest
  @EnumSource(Critic.class)
  void theGradientIsTheSlope(Critic critic) {
    Samples.assertGradientIsTheSlope(
        new ValueLoss(.4, Aggregation.sequenceMeanTokenMean(), critic), Samples.random(5));
    Samples.assertGradientIsTheSlope(
        new ValueLoss(Double.POSITIVE_INFINITY, Aggregation.tokenMean(), critic),
        Samples.random(6));
  }
}
