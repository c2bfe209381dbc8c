package io.ballast.rl.regulariser;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import io.ballast.rl.objective.Aggregation;
import io.ballast.rl.objective.ClipRange;
import io.ballast.rl.objective.ClippedSurrogate;
import io.ballast.rl.objective.Objective;
import io.ballast.rl.objective.ObjectiveMetric;
import io.ballast.rl.objective.ObjectiveResult;
import io.ballast.rl.objective.PolicyGradient;
import io.ballast.rl.objective.Samples;
import io.ballast.rl.sample.Batch;
import io.ballast.rl.sample.PerTokenName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Regularisers keep a policy near its reference; they are objectives and add up with others. */
class RegularisersTest {
  private static final Aggregation MEAN = Aggregation.tokenMean();

  @Test
  void threeEstimatesOfOneToken() {
    // u = −.2: k1 = −.2, k2 = ½·.04, k3 = e^.2 − .2 − 1
    assertThat(KlEstimator.K1.estimate(-.2)).isEqualTo(-.2);
    assertThat(KlEstimator.K2.estimate(-.2)).isCloseTo(.02, within(1e-12));
    assertThat(KlEstimator.K3.estimate(-.2)).isCloseTo(.021403, within(1e-6));
  }

  @Test
  void k1AndK3AreUnbiased() {
    // π = (.7, .3), π_ref = (.5, .5): KL = .7·ln 1.4 + .3·ln .6 = .082283
    double kl = .7 * Math.log(1.4) + .3 * Math.log(.6);
    for (KlEstimator estimator : new KlEstimator[] {KlEstimator.K1, KlEstimator.K3}) {
      double mean = .7 * estimator.estimate(Math.log(1.4)) + .3 * estimator.estimate(Math.log(.6));
      assertThat(mean).as("%s", estimator).isCloseTo(kl, within(1e-12));
    }
  }

  @Test
  void k3IsNeverNegativeAndBounded() {
    for (double u = -50; u <= 50; u += .37) {
      assertThat(KlEstimator.K3.estimate(u)).isBetween(0.0, 10.0);
      assertThat(KlEstimator.K3.slope(u)).isFinite();
    }
    assertThat(KlEstimator.K3.estimate(0)).isEqualTo(0);
    assertThat(KlEstimator.K3.slope(-5)).as("held at 10: no pull").isEqualTo(0);
  }

  @ParameterizedTest
  @EnumSource(KlEstimator.class)
  void theKlPenaltysGradientIsItsSlope(KlEstimator estimator) {
    Samples.assertGradientIsTheSlope(new KlPenalty(.1, estimator, MEAN), Samples.random(11));
  }

  @Test
  void theEntropyBonusPaysForEntropy() {
    Batch batch = Samples.oneGroup(Samples.blank(2).with(PerTokenName.ENTROPY, 1, 3));
    ObjectiveResult result = new EntropyBonus(.01, MEAN).evaluate(batch);
    assertThat(result.value()).isCloseTo(-.02, within(1e-12));
    assertThat(result.metrics()).containsEntry(ObjectiveMetric.ENTROPY, 2.0);
    Samples.assertGradientIsTheSlope(new EntropyBonus(.3, MEAN), Samples.random(12));
  }

  @Test
  void grpoIsASumOfThree() {
    Objective grpo =
        new ClippedSurrogate(ClipRange.symmetric(.2), MEAN)
            .plus(1, new KlPenalty(.1, KlEstimator.K3, MEAN))
            .plus(2, new EntropyBonus(.01, MEAN));
    Samples.assertGradientIsTheSlope(grpo, Samples.random(13));
    assertThat(grpo.requires())
        .containsExactlyInAnyOrder(
            PerTokenName.CURRENT_LOG_PROB,
            PerTokenName.BEHAVIOUR_LOG_PROB,
            PerTokenName.REFERENCE_LOG_PROB,
            PerTokenName.ADVANTAGE,
            PerTokenName.ENTROPY);
    assertThat(grpo.evaluate(Samples.random(13)).metrics())
        .containsKeys(ObjectiveMetric.KL, ObjectiveMetric.ENTROPY, ObjectiveMetric.CLIP_FRACTION);
  }

  @Test
  void coefficientZeroChangesNothing() {
    Batch batch = Samples.random(14);
    Objective plain = new PolicyGradient(MEAN);
    ObjectiveResult both = plain.plus(1, new KlPenalty(0, KlEstimator.K3, MEAN)).evaluate(batch);
    assertThat(both.value()).isEqualTo(plain.evaluate(batch).value());
  }

  @Test
  void theControllerFollowsItsTarget() {
    // error clip(.15/.1 − 1, ±.2) = .2; β = .2·(1 + .2·256/10000) = .201024
    AdaptiveKlController controller = new AdaptiveKlController(.2, .1, 10_000);
    assertThat(controller.step(.15, 256).coefficient()).isCloseTo(.201024, within(1e-9));
    assertThat(controller.step(.1, 256)).isEqualTo(controller);
    assertThat(controller.step(-1, 256).coefficient()).isLessThan(.2).isPositive();
    assertThatIllegalArgumentException()
        .isThrownBy(() -> controller.step(Double.NaN, 1))
        .withMessage("kl: NaN (expected: finite)");
  }

  @Test
  void aFixedControllerStays() {
    KlController fixed = new FixedKlController(.05);
    assertThat(fixed.step(3, 256)).isEqualTo(fixed);
    assertThat(fixed.coefficient()).isEqualTo(.05);
    assertThat(new FixedKlController(0).coefficient()).isZero();
    assertThatIllegalArgumentException()
        .isThrownBy(() -> fixed.step(Double.NaN, 1))
        .withMessage("kl: NaN (expected: finite)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new FixedKlController(-1))
        .withMessage("coefficient: -1.0 (expected: >= 0, finite)");
  }
}
