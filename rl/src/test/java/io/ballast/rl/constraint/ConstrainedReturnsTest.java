package io.ballast.rl.constraint;

import static io.ballast.rl.constraint.ConstrainedReturns.combinedAdvantages;
import static io.ballast.rl.constraint.ConstrainedReturns.pessimisticReturn;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

/** Reward and cost become one signal at the price λ. */
class ConstrainedReturnsTest {
  private static final double[] REWARD = {1, -2, .5};
  private static final double[] COST = {2, -1, 0};

  @Test
  void handComputed() {
    // λ = 3: (1 − 6)/4, (−2 + 3)/4, .5/4
    assertThat(combinedAdvantages(REWARD, COST, 3)).containsExactly(-1.25, .25, .125);
  }

  @Test
  void priceZeroLeavesTheRewardAndAnInfiniteOneTheCost() {
    assertThat(combinedAdvantages(REWARD, COST, 0)).containsExactly(REWARD);
    assertThat(combinedAdvantages(REWARD, COST, 1e12))
        .containsExactly(new double[] {-2, 1, 0}, within(1e-9));
  }

  @Test
  void theReturnOfHcRlhf() {
    // clip(2 − .1·5, ±50) − 2·.25 = 1; a runaway reward is held at 50
    assertThat(pessimisticReturn(2, 5, .1, 50, 2, .25)).isCloseTo(1, within(1e-12));
    assertThat(pessimisticReturn(1e9, 0, .1, 50, 2, .25)).isEqualTo(49.5);
  }
}
