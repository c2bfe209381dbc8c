package io.ballast.rl.objective;

import static io.ballast.rl.sample.PerTokenName.CURRENT_LOG_PROB;
import static io.ballast.rl.sample.PerTokenName.REFERENCE_LOG_PROB;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import io.ballast.rl.sample.Batch;
import io.ballast.rl.sample.PerSequenceName;
import io.ballast.rl.sample.PerTokenName;
import io.ballast.rl.sample.Sample;
import io.ballast.rl.sample.SampleRole;
import org.junit.jupiter.api.Test;

/** KTO learns from accepted and rejected completions that have no partner. */
class UnpairedPreferenceTest {
  private static final UnpairedPreference KTO = UnpairedPreference.kto(.1);

  private static Sample of(SampleRole role, double logRatio) {
    return Samples.blank(2)
        .with(role)
        .with(CURRENT_LOG_PROB, -1 + logRatio, -2)
        .with(REFERENCE_LOG_PROB, -1, -2);
  }

  private static double loss(Sample... samples) {
    return KTO.evaluate(Samples.oneGroup(samples)).value();
  }

  @Test
  void handComputed() {
    // z = .2: 1 − σ(.1·(1 − .2)) = .480011 and 1 − σ(.1·(.2 + .5)) = .482507
    Sample calibration = of(SampleRole.CALIBRATION, .2);
    assertThat(loss(calibration, of(SampleRole.DESIRABLE, 1))).isCloseTo(.480011, within(1e-6));
    assertThat(loss(calibration, of(SampleRole.UNDESIRABLE, -.5))).isCloseTo(.482507, within(1e-6));
  }

  @Test
  void theBaselineIsNeverNegative() {
    assertThat(loss(of(SampleRole.CALIBRATION, -3), of(SampleRole.DESIRABLE, 1)))
        .isEqualTo(loss(of(SampleRole.DESIRABLE, 1)));
  }

  @Test
  void aCompletionMayBringTheBaseline() {
    // z = .2 as in the hand-computed case, whatever the calibration says
    Sample brings = of(SampleRole.DESIRABLE, 1).with(PerSequenceName.PREFERENCE_BASELINE, .2);
    assertThat(loss(brings, of(SampleRole.CALIBRATION, 5))).isCloseTo(.480011, within(1e-6));
    assertThat(loss(brings.with(PerSequenceName.PREFERENCE_BASELINE, -3)))
        .as("held at 0")
        .isEqualTo(loss(of(SampleRole.DESIRABLE, 1)));
  }

  @Test
  void whatIsMaskedThroughoutIsLeftAlone() {
    Sample rated = of(SampleRole.DESIRABLE, 1);
    Sample masked = of(SampleRole.UNDESIRABLE, 9).withAll(PerTokenName.LOSS_MASK, 0);
    assertThat(loss(rated, masked, masked.with(SampleRole.CALIBRATION))).isEqualTo(loss(rated));
  }

  @Test
  void theAcceptedRisesTheRejectedFallsTheOthersStay() {
    ObjectiveResult result =
        KTO.evaluate(
            Samples.oneGroup(
                of(SampleRole.DESIRABLE, 0),
                of(SampleRole.UNDESIRABLE, 0),
                of(SampleRole.CALIBRATION, 0)));
    // ∓β·¼ over two rated completions
    assertThat(result.gradients().get(0).logProbs().toArray()).containsExactly(-.0125, -.0125);
    assertThat(result.gradients().get(1).logProbs().toArray()).containsExactly(.0125, .0125);
    assertThat(result.gradients().get(2).byName()).isEmpty();
  }

  @Test
  void theGradientIsTheSlopeOfWhatIsNotHeldConstant() {
    Batch batch =
        Samples.random(8)
            .map(
                sample ->
                    sample.with(
                        sample.size() % 2 == 0 ? SampleRole.DESIRABLE : SampleRole.UNDESIRABLE));
    Samples.assertGradientIsTheSlope(new UnpairedPreference(.4, 1, 1.5, Anchor.reference()), batch);
  }

  @Test
  void withoutRatingsThereIsNothingToLearn() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> loss(of(SampleRole.ROLLOUT, 1)))
        .withMessage(
            "batch: no unmasked sample is DESIRABLE or UNDESIRABLE (expected: at least one)");
  }
}
