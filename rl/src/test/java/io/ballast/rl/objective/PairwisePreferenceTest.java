package io.ballast.rl.objective;

import static io.ballast.rl.sample.PerTokenName.CURRENT_LOG_PROB;
import static io.ballast.rl.sample.PerTokenName.ITERATION_LOG_PROB;
import static io.ballast.rl.sample.PerTokenName.REFERENCE_LOG_PROB;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import io.ballast.rl.sample.Batch;
import io.ballast.rl.sample.Group;
import io.ballast.rl.sample.PerTokenName;
import io.ballast.rl.sample.Sample;
import io.ballast.rl.sample.SampleRole;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Preference losses push the margin between a chosen and a rejected completion. */
class PairwisePreferenceTest {
  /** A pair whose log-ratios to the reference differ by {@code delta}: half of it each. */
  private static Batch pair(double delta) {
    return Samples.oneGroup(
        side(SampleRole.CHOSEN, delta / 2), side(SampleRole.REJECTED, -delta / 2));
  }

  private static Sample side(SampleRole role, double logRatio) {
    return Samples.blank(2)
        .with(role)
        .with(CURRENT_LOG_PROB, -1 + logRatio, -2)
        .with(REFERENCE_LOG_PROB, -1, -2);
  }

  private static double loss(PairwisePreference objective, double delta) {
    return objective.evaluate(pair(delta)).value();
  }

  @Test
  void dpoFamilyAtOneAndAHalf() {
    // βΔ = .15: −log σ(.15) = .620957; .9·.620957 + .1·.770957 = .635957; (1.5 − 5)² = 12.25
    assertThat(loss(PairwisePreference.dpo(.1), 1.5)).isCloseTo(.620957, within(1e-6));
    assertThat(loss(PairwisePreference.conservativeDpo(.1, .1), 1.5))
        .isCloseTo(.635957, within(1e-6));
    assertThat(loss(PairwisePreference.ipo(.1), 1.5)).isCloseTo(12.25, within(1e-9));
  }

  @Test
  void rdpoIsUnbiasedUnderFlips() {
    // (.9·.620957 − .1·.770957)/.8 = .602207; a tenth of the labels flipped restores DPO's loss
    PairwisePreference robust = PairwisePreference.robustDpo(.1, .1);
    assertThat(loss(robust, 1.5)).isCloseTo(.602207, within(1e-6));
    assertThat(.9 * loss(robust, 1.5) + .1 * loss(robust, -1.5))
        .isCloseTo(loss(PairwisePreference.dpo(.1), 1.5), within(1e-12));
  }

  @Test
  void hingeIsSatisfiedBeyondItsMargin() {
    PairwisePreference hinge =
        new PairwisePreference(PairLoss.HINGE, .5, 1, 0, Anchor.reference(), SequenceMeasure.SUM);
    assertThat(loss(hinge, 1)).isCloseTo(.5, within(1e-12));
    assertThat(loss(hinge, 3)).isEqualTo(0);
  }

  @Test
  void inpoMixesItsAnchors() {
    // η = 2, τ = .5: h = 1.2 − ¼·.4 − ¾·.8 = .5; (.5 − 1/4)² = .0625
    Sample chosen =
        Samples.blank(1)
            .with(SampleRole.CHOSEN)
            .with(CURRENT_LOG_PROB, 1.2 - 3)
            .with(REFERENCE_LOG_PROB, .4 - 3)
            .with(ITERATION_LOG_PROB, .8 - 3);
    Sample rejected =
        Samples.blank(1)
            .with(SampleRole.REJECTED)
            .withAll(CURRENT_LOG_PROB, -3)
            .withAll(REFERENCE_LOG_PROB, -3)
            .withAll(ITERATION_LOG_PROB, -3);
    ObjectiveResult result =
        PairwisePreference.iterativeNash(.5, 2).evaluate(Samples.oneGroup(chosen, rejected));
    assertThat(result.value()).isCloseTo(.0625, within(1e-12));
    assertThat(result.metrics().get(ObjectiveMetric.PREFERENCE_MARGIN))
        .isCloseTo(.5, within(1e-12));
  }

  @Test
  void inpoWithFullRegularisationIsIpo() {
    // τ = η leaves the reference alone; η is β
    assertThat(Anchor.iterativeNash(2, 2).weights()).containsEntry(ITERATION_LOG_PROB, 0.0);
  }

  @Test
  void simpoWantsAMarginPerToken() {
    // lp̄ = −.5 and −1: −log σ(2.5·.5 − 1.375) = .757599, whatever the lengths
    Sample chosen = likely(SampleRole.CHOSEN, -.5, -.5, -.5, -.5);
    Sample rejected = likely(SampleRole.REJECTED, -1, -1);
    assertThat(
            PairwisePreference.simpo(2.5, 1.375)
                .evaluate(Samples.oneGroup(chosen, rejected))
                .value())
        .isCloseTo(.757599, within(1e-6));
  }

  @Test
  void slicIsAHingeAndALikelihood() {
    // max(0, 1 + 11.5 − 12) = .5, and .1·11.5
    Batch batch =
        Samples.oneGroup(
            likely(SampleRole.CHOSEN, -4, -7.5), likely(SampleRole.REJECTED, -5, -5, -2));
    assertThat(PairwisePreference.slic(1, 0).evaluate(batch).value()).isCloseTo(.5, within(1e-12));
    ObjectiveResult both = PairwisePreference.slic(1, .1).evaluate(batch);
    assertThat(both.value()).isCloseTo(1.65, within(1e-12));
    assertThat(both.gradients().getFirst().logProbs().toArray()).containsExactly(-1.1, -1.1);
    assertThat(both.gradients().getLast().logProbs().toArray()).containsExactly(1, 1, 1);
    assertThat(PairwisePreference.slic(.4, 0).evaluate(batch).value())
        .as("12 − 11.5 is more than .4")
        .isZero();
  }

  @Test
  void orpoIsLikelihoodAndARatioOfOdds() {
    // log-odds of e^−.5 and e^−1: .432752 and −.541325, differing by .974077;
    // .5 − .1·log σ(.974077) = .532030
    Batch batch =
        Samples.oneGroup(likely(SampleRole.CHOSEN, -.25, -.75), likely(SampleRole.REJECTED, -1));
    ObjectiveResult result = PairwisePreference.orpo(.1).evaluate(batch);
    assertThat(result.value()).isCloseTo(.532030, within(1e-6));
    assertThat(result.metrics().get(ObjectiveMetric.PREFERENCE_MARGIN))
        .isCloseTo(.974077, within(1e-6));
  }

  @Test
  void theOddsOfACertainCompletionStayANumber() {
    Batch batch =
        Samples.oneGroup(likely(SampleRole.CHOSEN, 0, 0), likely(SampleRole.REJECTED, -1e4));
    ObjectiveResult result = PairwisePreference.orpo(1).evaluate(batch);
    assertThat(result.metrics()).containsEntry(ObjectiveMetric.PREFERENCE_MARGIN, 20 + 1e4);
    assertThat(result.value()).isZero();
    assertThat(result.gradients().getFirst().logProbs().toArray())
        .as("the likelihood's alone")
        .containsExactly(-.5, -.5);
  }

  @Test
  void xpoIsDpoPlusTheLikelihoodOfAReferenceSample() {
    // .620957 + .01·(−7)
    Group pair = pair(1.5).groups().getFirst();
    Sample ofReference = likely(SampleRole.CALIBRATION, -3, -4);
    Batch batch = Samples.oneGroup(ofReference, pair.samples().get(0), pair.samples().get(1));
    ObjectiveResult xpo = PairwisePreference.xpo(.1, .01).evaluate(batch);
    assertThat(xpo.value()).isCloseTo(.550957, within(1e-6));
    assertThat(xpo.gradients().getFirst().logProbs().toArray())
        .containsExactly(new double[] {.01, .01}, within(1e-12));
    assertThat(xpo.gradients().subList(1, 3))
        .isEqualTo(PairwisePreference.dpo(.1).evaluate(pair(1.5)).gradients());
  }

  @Test
  void theFlippedLabelHasTheSameTarget() {
    // βh = .15, γ = .5: .9·log(1 + e^.35) + .1·log(1 + e^.65)
    PairwisePreference conservative =
        new PairwisePreference(
            PairLoss.CONSERVATIVE, .1, .5, .1, Anchor.reference(), SequenceMeasure.SUM);
    assertThat(loss(conservative, 1.5))
        .isCloseTo(.9 * Math.log1p(Math.exp(.35)) + .1 * Math.log1p(Math.exp(.65)), within(1e-12));
  }

  private static Sample likely(SampleRole role, double... logProbs) {
    return Samples.blank(logProbs.length).with(role).with(CURRENT_LOG_PROB, logProbs);
  }

  @ParameterizedTest
  @EnumSource(PairLoss.class)
  void theGradientIsTheSlope(PairLoss loss) {
    Batch random = Samples.random(7);
    Batch pairs =
        new Batch(
            random.groups().stream()
                .map(
                    group ->
                        new Group(
                            group.groupId(),
                            List.of(
                                group.samples().get(0).with(SampleRole.REJECTED),
                                group.samples().get(1).with(SampleRole.CHOSEN))))
                .toList());
    for (SequenceMeasure measure : SequenceMeasure.values()) {
      for (Anchor anchor : List.of(Anchor.iterativeNash(.5, 2), Anchor.none())) {
        Samples.assertGradientIsTheSlope(
            new PairwisePreference(loss, .3, .7, .1, anchor, measure), pairs);
      }
    }
  }

  @Test
  void theChosenRisesTheRejectedFalls() {
    List<SampleGradient> gradients = PairwisePreference.dpo(.1).evaluate(pair(0)).gradients();
    // at Δ = 0: ∓β·σ(0) = ∓.05 on every token
    assertThat(gradients.get(0).logProbs().toArray()).containsExactly(-.05, -.05);
    assertThat(gradients.get(1).logProbs().toArray()).containsExactly(.05, .05);
  }

  @Test
  void confidenceDoesNotOverflow() {
    assertThat(loss(PairwisePreference.dpo(1), 1e6)).isEqualTo(0);
    assertThat(loss(PairwisePreference.dpo(1), -1e6)).isEqualTo(1e6);
  }

  @Test
  void aGroupWithoutAPairIsNamed() {
    assertThatIllegalArgumentException()
        .isThrownBy(
            () -> PairwisePreference.dpo(.1).evaluate(Samples.oneGroup(side(SampleRole.CHOSEN, 0))))
        .withMessage("group 'prompt': 0 samples are REJECTED (expected: 1)");
    Sample masked = side(SampleRole.REJECTED, 0).withAll(PerTokenName.LOSS_MASK, 0);
    assertThatIllegalArgumentException()
        .isThrownBy(
            () ->
                PairwisePreference.dpo(.1)
                    .evaluate(Samples.oneGroup(side(SampleRole.CHOSEN, 0), masked)))
        .withMessage(
            "group 'prompt': LOSS_MASK is 0 for every token of REJECTED (expected: at least one)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> PairwisePreference.robustDpo(.1, .5))
        .withMessage("flipRate: 0.5 (expected: >= 0, below 0.5)");
  }
}
