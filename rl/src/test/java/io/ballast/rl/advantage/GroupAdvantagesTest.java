package io.ballast.rl.advantage;

import static io.ballast.rl.advantage.GroupAdvantages.againstBaseline;
import static io.ballast.rl.advantage.GroupAdvantages.centred;
import static io.ballast.rl.advantage.GroupAdvantages.leaveOneOut;
import static io.ballast.rl.advantage.GroupAdvantages.standardized;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.function.UnaryOperator;
import java.util.random.RandomGenerator;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Group advantages say how much better each completion did than its siblings. */
class GroupAdvantagesTest {
  private static final double EPSILON = 1e-6;

  @Test
  void aHandComputedGroup() {
    // mean = 2, squared deviations 1 + 0 + 1, std = sqrt(2 / (3 − 1)) = 1
    assertThat(standardized(new double[] {1, 2, 3}, EPSILON))
        .containsExactly(new double[] {-1, 0, 1}, within(1e-5));
  }

  @Test
  void grpoOfTwoRightAndTwoWrong() {
    // mean ½, deviations ±½, unbiased std = sqrt(1/3) = .577350; .5/(.577350 + 1e-6) = .866024
    assertThat(standardized(new double[] {1, 0, 0, 1}, EPSILON))
        .containsExactly(new double[] {.866024, -.866024, -.866024, .866024}, within(1e-6));
  }

  @Test
  void grpoOfOneReplayedSuccess() {
    // ARPO: mean ¼, std = sqrt((9/16 + 3/16)/3) = ½; ¾/½ and −¼/½, less the dust of ε
    assertThat(standardized(new double[] {1, 0, 0, 0}, EPSILON))
        .containsExactly(new double[] {1.499997, -.499999, -.499999, -.499999}, within(1e-6));
  }

  @Test
  void grpoOfGradedRewards() {
    // GUI-Critic-R1: six rewards whose mean is .55
    assertThat(standardized(new double[] {1, .9, .2, .1, .1, 1}, EPSILON))
        .containsExactly(
            new double[] {.979649, .761949, -.761949, -.979649, -.979649, .979649}, within(1e-6));
  }

  @Test
  void drGrpoOnlyCentres() {
    assertThat(centred(new double[] {1, 0, 0, 1})).containsExactly(.5, -.5, -.5, .5);
  }

  @Test
  void rlooComparesWithTheOthers() {
    // the first: 1 − (0 + 0 + 1)/3 = 2/3
    assertThat(leaveOneOut(new double[] {1, 0, 0, 1}))
        .containsExactly(new double[] {.666667, -.666667, -.666667, .666667}, within(1e-6));
  }

  @Test
  void rlooAgreesWithItsDefinition() {
    double[] rewards = RandomGenerator.of("L64X128MixRandom").doubles(7).toArray();
    double[] advantages = leaveOneOut(rewards);
    for (int i = 0; i < rewards.length; i++) {
      double others = (Arrays.stream(rewards).sum() - rewards[i]) / 6;
      assertThat(advantages[i]).isCloseTo(rewards[i] - others, within(1e-12));
    }
  }

  @Test
  void equalRewardsGiveExactZerosAlthoughTheirMeanRounds() {
    // 0.1 + 0.1 + 0.1 is not 0.3 in binary; a naive version divides that dust by ε
    double[] equal = {0.1, 0.1, 0.1};
    assertThat(standardized(equal, EPSILON)).containsExactly(0, 0, 0);
    assertThat(centred(equal)).containsExactly(0, 0, 0);
    assertThat(leaveOneOut(equal)).containsExactly(0, 0, 0);
  }

  @Test
  void aGroupOfOne() {
    double[] one = {7};
    assertThat(standardized(one, EPSILON)).containsExactly(0);
    assertThat(centred(one)).containsExactly(0);
    assertThat(leaveOneOut(one)).as("nobody to compare with: REINFORCE").containsExactly(7);
  }

  static Stream<UnaryOperator<double[]>> groupBaselines() {
    return Stream.of(
        rewards -> standardized(rewards, EPSILON),
        GroupAdvantages::centred,
        GroupAdvantages::leaveOneOut);
  }

  @ParameterizedTest
  @MethodSource("groupBaselines")
  void sumToZeroAndIgnoreAConstant(UnaryOperator<double[]> estimator) {
    double[] rewards = {.3, -1.2, 4, 0, .7};
    double[] shifted = Arrays.stream(rewards).map(r -> r + 5).toArray();
    double[] advantages = estimator.apply(rewards);
    assertThat(Arrays.stream(advantages).sum()).isCloseTo(0, within(1e-12));
    assertThat(estimator.apply(shifted)).containsExactly(advantages, within(1e-9));
  }

  @Test
  void onlyGrpoIgnoresTheUnit() {
    double[] rewards = {.3, -1.2, 4};
    double[] scaled = Arrays.stream(rewards).map(r -> r * 10).toArray();
    assertThat(standardized(scaled, 1e-9))
        .containsExactly(standardized(rewards, 1e-9), within(1e-7));
    double[] centred = centred(rewards);
    for (int i = 0; i < 3; i++) {
      assertThat(centred(scaled)[i]).isCloseTo(10 * centred[i], within(1e-12));
    }
  }

  @Test
  void rlooIsDrGrpoStretched() {
    double[] rewards = {.3, -1.2, 4, 0};
    for (int i = 0; i < 4; i++) {
      assertThat(leaveOneOut(rewards)[i]).isCloseTo(centred(rewards)[i] * 4 / 3, within(1e-12));
    }
  }

  @Test
  void aBaselineIsSubtracted() {
    // ReMax: rewards to go (1.01, 1.02, 1) less the greedy completion's .6
    double[] toGo = TokenAdvantages.rewardsToGo(new double[] {-.01, .02, 1}, 1);
    assertThat(againstBaseline(toGo, .6))
        .containsExactly(new double[] {.41, .42, .40}, within(1e-12));
  }

  @Test
  void badInputIsNamed() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> standardized(new double[] {1, Double.NaN}, EPSILON))
        .withMessage("rewards[1]: NaN (expected: finite)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> standardized(new double[] {1, 2}, 0))
        .withMessage("epsilon: 0.0 (expected: > 0, finite)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> leaveOneOut(new double[0]))
        .withMessage("rewards: no elements (expected: at least one)");
  }
}
