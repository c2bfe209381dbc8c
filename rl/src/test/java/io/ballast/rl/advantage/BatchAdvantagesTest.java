package io.ballast.rl.advantage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import io.ballast.rl.objective.Samples;
import io.ballast.rl.regulariser.KlEstimator;
import io.ballast.rl.sample.Batch;
import io.ballast.rl.sample.Group;
import io.ballast.rl.sample.PerSequenceName;
import io.ballast.rl.sample.PerTokenName;
import io.ballast.rl.sample.Sample;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Batch advantages compare a token with all others, or with a number of its completion. */
class BatchAdvantagesTest {
  private static final double EPSILON = 1e-12;

  /** Log-ratios (.2, −.4) with reward 1, and (.5) with reward 0, of two prompts. */
  private static final Batch TWO =
      Batch.of(
          new Group("a", List.of(completion(1, .2, -.4))),
          new Group("b", List.of(completion(0, .5))));

  private static Sample completion(double reward, double... logRatios) {
    double[] behaviour = new double[logRatios.length];
    for (int t = 0; t < behaviour.length; t++) {
      behaviour[t] = -1 + logRatios[t];
    }
    return Samples.blank(behaviour.length)
        .with(PerTokenName.BEHAVIOUR_LOG_PROB, behaviour)
        .withAll(PerTokenName.REFERENCE_LOG_PROB, -1)
        .with(PerSequenceName.REWARD, reward);
  }

  private static double[] advantages(Batch batch) {
    return batch.samples().stream()
        .flatMapToDouble(s -> Arrays.stream(s.numbers(PerTokenName.ADVANTAGE).toArray()))
        .toArray();
  }

  @Test
  void reinforcePlusPlusWithK1() {
    // β = .1, γ = .9. Rewards (−.02, 1.04) and (−.05); to go (.916, 1.04) and (−.05);
    // mean .635333, unbiased variance .356105
    assertThat(advantages(BatchAdvantages.reinforcePlusPlus(TWO, KlEstimator.K1, .1, .9, EPSILON)))
        .containsExactly(new double[] {.470329, .678123, -1.148451}, within(1e-6));
  }

  @Test
  void reinforcePlusPlusWithK2() {
    // rewards (−.002, .992) and (−.0125); to go (.8908, .992) and (−.0125); variance .305869
    assertThat(advantages(BatchAdvantages.reinforcePlusPlus(TWO, KlEstimator.K2, .1, .9, EPSILON)))
        .containsExactly(new double[] {.483437, .666421, -1.149858}, within(1e-6));
  }

  @Test
  void maskedTokensPayNothingAndDoNotCount() {
    Sample longer = completion(1, .2, -.4, 7, 9).with(PerTokenName.LOSS_MASK, 1, 1, 0, 0);
    Batch padded = Batch.of(new Group("a", List.of(longer)), TWO.groups().getLast());
    double[] advantages =
        advantages(BatchAdvantages.reinforcePlusPlus(padded, KlEstimator.K1, .1, .9, EPSILON));
    assertThat(advantages)
        .containsExactly(new double[] {.470329, .678123, 0, 0, -1.148451}, within(1e-6));
  }

  @Test
  void whatIsMaskedThroughoutEarnsNothing() {
    Sample masked = completion(5, .2, .3).withAll(PerTokenName.LOSS_MASK, 0);
    Batch batch = BatchAdvantages.withTokenRewards(Samples.oneGroup(masked), KlEstimator.K1, .1);
    assertThat(batch.samples().getFirst().numbers(PerTokenName.REWARD).toArray())
        .containsExactly(0, 0);
  }

  @Test
  void remaxTakesOffTheGreedyReward() {
    // rewards to go (1.01, 1.02, 1) less .6
    Batch batch =
        Samples.oneGroup(
            Samples.blank(3)
                .with(PerTokenName.REWARD, -.01, .02, 1)
                .with(PerSequenceName.BASELINE, .6));
    assertThat(advantages(BatchAdvantages.lessBaseline(BatchAdvantages.returns(batch, 1))))
        .containsExactly(new double[] {.41, .42, .40}, within(1e-12));
  }

  @Test
  void reinforceDiscounts() {
    Batch batch = Samples.oneGroup(Samples.blank(3).with(PerTokenName.REWARD, -.01, .02, 1));
    assertThat(advantages(BatchAdvantages.returns(batch, .9)))
        .containsExactly(new double[] {.818, .92, 1}, within(1e-12));
  }

  @Test
  void withoutAPriceNoReferenceIsRead() {
    Sample bare = Samples.blank(2).with(PerSequenceName.REWARD, 3);
    Batch batch = BatchAdvantages.withTokenRewards(Samples.oneGroup(bare), KlEstimator.K1, 0);
    assertThat(batch.samples().getFirst().numbers(PerTokenName.REWARD).toArray())
        .containsExactly(0, 3);
  }

  @Test
  void onPolicyAtTheReferenceOnlyTheRewardIsLeft() {
    Batch batch =
        TWO.map(
            s ->
                s.with(
                    PerTokenName.REFERENCE_LOG_PROB,
                    s.numbers(PerTokenName.BEHAVIOUR_LOG_PROB).toArray()));
    for (KlEstimator estimator : KlEstimator.values()) {
      assertThat(
              advantages(
                  BatchAdvantages.returns(
                      BatchAdvantages.withTokenRewards(batch, estimator, .1), 1)))
          .containsExactly(1, 1, 0);
    }
  }

  @Test
  void equalReturnsGiveExactZeros() {
    Batch batch =
        Samples.oneGroup(Samples.blank(2), Samples.blank(3))
            .map(s -> s.withAll(PerTokenName.ADVANTAGE, .1));
    assertThat(advantages(BatchAdvantages.whitened(batch, EPSILON))).containsExactly(0, 0, 0, 0, 0);
  }

  @Test
  void whiteningHasMeanZeroAndVarianceOneOverTheBatch() {
    Batch batch = BatchAdvantages.whitened(Samples.random(17), EPSILON);
    double tokens = 0;
    double sum = 0;
    double squares = 0;
    for (Sample sample : batch.samples()) {
      tokens += sample.maskedTokens();
      sum += sample.maskedSum(PerTokenName.ADVANTAGE);
      for (double advantage : sample.numbers(PerTokenName.ADVANTAGE).toArray()) {
        squares += advantage * advantage;
      }
    }
    assertThat(sum).isCloseTo(0, within(1e-9));
    assertThat(squares / (tokens - 1)).isCloseTo(1, within(1e-9));
  }

  @Test
  void whatIsAbsentIsNamed() {
    Batch batch = Samples.oneGroup(Samples.blank(1).with(PerTokenName.ADVANTAGE, 1));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> BatchAdvantages.lessBaseline(batch))
        .withMessage("BASELINE: absent (present: [])");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> BatchAdvantages.withTokenRewards(TWO, KlEstimator.K1, -1))
        .withMessage("klCoefficient: -1.0 (expected: >= 0, finite)");
  }
}
