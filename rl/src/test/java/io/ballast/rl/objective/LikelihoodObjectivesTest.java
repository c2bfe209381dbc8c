package io.ballast.rl.objective;

import static io.ballast.rl.sample.PerTokenName.ADVANTAGE;
import static io.ballast.rl.sample.PerTokenName.BEHAVIOUR_LOG_PROB;
import static io.ballast.rl.sample.PerTokenName.CURRENT_LOG_PROB;
import static io.ballast.rl.sample.PerTokenName.REFERENCE_LOG_PROB;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import io.ballast.rl.sample.Batch;
import io.ballast.rl.sample.PerSequenceName;
import io.ballast.rl.sample.PerTokenName;
import io.ballast.rl.sample.Sample;
import org.junit.jupiter.api.Test;

/** Weighted likelihood and posterior matching fit the same interface as policy gradients. */
class LikelihoodObjectivesTest {
  private static final Aggregation SUM = Aggregation.sequenceMeanTokenSum();

  private static Sample braIn(double reference, double proposal, double current, double reward) {
    return Samples.blank(1)
        .with(REFERENCE_LOG_PROB, reference)
        .with(BEHAVIOUR_LOG_PROB, proposal)
        .with(CURRENT_LOG_PROB, current)
        .with(PerSequenceName.REWARD, reward);
  }

  @Test
  void weightOneIsCrossEntropy() {
    Batch batch = Samples.oneGroup(Samples.blank(2).with(CURRENT_LOG_PROB, -1, -3));
    ObjectiveResult result = new WeightedLikelihood(Aggregation.tokenMean()).evaluate(batch);
    assertThat(result.value()).isEqualTo(2);
    assertThat(result.gradients().getFirst().logProbs().toArray()).containsExactly(-.5, -.5);
  }

  @Test
  void weightsOfRewardWeightedRegression() {
    // RWR with β = 1 and rewards (−1, 0): weights (.367879, 1), losses .367879·2 and 1·3, mean
    Batch batch =
        Samples.oneGroup(
            Samples.blank(1)
                .with(CURRENT_LOG_PROB, -2)
                .with(PerSequenceName.LIKELIHOOD_WEIGHT, Math.exp(-1)),
            Samples.blank(1)
                .with(CURRENT_LOG_PROB, -3)
                .with(PerSequenceName.LIKELIHOOD_WEIGHT, Math.exp(0)));
    assertThat(new WeightedLikelihood(SUM).evaluate(batch).value())
        .isCloseTo((.367879 * 2 + 3) / 2, within(1e-6));
  }

  @Test
  void anAdvantageAsWeightIsThePolicyGradient() {
    Batch batch =
        Samples.random(3)
            .map(s -> s.withAll(ADVANTAGE, 2).with(PerSequenceName.LIKELIHOOD_WEIGHT, 2));
    assertThat(new WeightedLikelihood(SUM).evaluate(batch))
        .isEqualTo(new PolicyGradient(SUM).evaluate(batch));
  }

  @Test
  void braInOnThreeSamples() {
    // log a = log p_ref + r − log q′ = (1.5, −.5, 1); log b = log q − log q′ = (.3, −.3, −.5)
    Batch batch =
        Samples.oneGroup(
            braIn(-2, -2.5, -2.2, 1), braIn(-3, -2.5, -2.8, 0), braIn(-4, -3, -3.5, 2));
    ObjectiveResult result = new PosteriorMatching(1).evaluate(batch);
    assertThat(result.value()).isCloseTo(.132949, within(1e-6));
    double[] coefficients =
        result.gradients().stream().mapToDouble(g -> -g.logProbs().get(0)).toArray();
    assertThat(coefficients)
        .containsExactly(new double[] {.073632, -.196966, .123334}, within(1e-6));
  }

  @Test
  void braInIsContentWithThePosterior() {
    // π = p_ref·e^r up to a constant: nothing left to learn
    Batch batch = Samples.oneGroup(braIn(-2, -1, -2 + 1 - 5, 1), braIn(-3, -1, -3 + 2 - 5, 2));
    ObjectiveResult result = new PosteriorMatching(1).evaluate(batch);
    assertThat(result.value()).isCloseTo(0, within(1e-12));
    assertThat(result.gradients().getFirst().logProbs().get(0)).isCloseTo(0, within(1e-12));
  }

  @Test
  void braInLeavesOutWhatIsMaskedThroughout() {
    Sample masked = braIn(-9, -1, -4, 3).withAll(PerTokenName.LOSS_MASK, 0);
    Sample first = braIn(-2, -2.5, -2.2, 1);
    Sample second = braIn(-3, -2.5, -2.8, 0);
    assertThat(new PosteriorMatching(1).evaluate(Samples.oneGroup(masked, first, second)).value())
        .isEqualTo(new PosteriorMatching(1).evaluate(Samples.oneGroup(first, second)).value());
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new PosteriorMatching(1).evaluate(Samples.oneGroup(masked)))
        .withMessage("LOSS_MASK: 0 for every token (expected: at least one)");
  }

  @Test
  void gradientsAreSlopes() {
    Batch batch =
        Samples.random(4)
            .map(s -> s.with(PerSequenceName.REWARD, s.size()))
            .map(s -> s.with(PerSequenceName.LIKELIHOOD_WEIGHT, -.5 * s.size()));
    Samples.assertGradientIsTheSlope(new PosteriorMatching(2), batch);
    Samples.assertGradientIsTheSlope(new WeightedLikelihood(SUM), batch);
    Samples.assertGradientIsTheSlope(new PolicyGradient(SUM), batch);
  }
}
