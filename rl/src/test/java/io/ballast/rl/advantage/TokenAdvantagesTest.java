package io.ballast.rl.advantage;

import static io.ballast.rl.advantage.TokenAdvantages.generalised;
import static io.ballast.rl.advantage.TokenAdvantages.rewardsToGo;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

/** Token advantages spread a completion's reward over its tokens. */
class TokenAdvantagesTest {
  private static final double[] REWARDS = {-.01, -.02, 0, .97};
  private static final double[] VALUES = {.2, .3, .4, .5};

  @Test
  void discountedRewardsToGo() {
    // 1; .02 + .9·1 = .92; −.01 + .9·.92 = .818
    assertThat(rewardsToGo(new double[] {-.01, .02, 1}, .9))
        .containsExactly(new double[] {.818, .92, 1}, within(1e-12));
  }

  @Test
  void gaeOfAHandComputedCompletion() {
    // from the end: .97 − .5 = .47; (0 + .5 − .4) + .95·.47 = .5465; …
    TokenEstimates estimates = generalised(REWARDS, VALUES, 1, .95, 0);
    assertThat(estimates.advantages().toArray())
        .containsExactly(new double[] {.659216, .599175, .5465, .47}, within(1e-6));
    assertThat(estimates.returns().toArray())
        .containsExactly(new double[] {.859216, .899175, .9465, .97}, within(1e-6));
  }

  @Test
  void lambdaOneIsRewardsToGoLessValues() {
    double[] advantages = generalised(REWARDS, VALUES, 1, 1, 0).advantages().toArray();
    assertThat(advantages).containsExactly(new double[] {.74, .65, .57, .47}, within(1e-12));
    double[] toGo = rewardsToGo(REWARDS, 1);
    for (int t = 0; t < 4; t++) {
      assertThat(advantages[t]).isCloseTo(toGo[t] - VALUES[t], within(1e-12));
    }
  }

  @Test
  void lambdaZeroIsTheOneStepError() {
    assertThat(generalised(REWARDS, VALUES, 1, 0, 0).advantages().toArray())
        .containsExactly(new double[] {.09, .08, .1, .47}, within(1e-12));
  }

  @Test
  void ppoMaxExample() {
    // rewards with a KL price: −.05·(−1 + 1.5) = −.025 and −.05·(−2 + 1) + .8 = .85
    double[] rewards =
        TokenRewards.withKlPenalty(new double[] {-1, -2}, new double[] {-1.5, -1}, .05, .8);
    assertThat(rewards).containsExactly(new double[] {-.025, .85}, within(1e-12));
    TokenEstimates estimates = generalised(rewards, new double[] {.2, .4}, 1, .95, 0);
    assertThat(estimates.advantages().toArray())
        .containsExactly(new double[] {.6025, .45}, within(1e-12));
    assertThat(estimates.returns().toArray())
        .containsExactly(new double[] {.8025, .85}, within(1e-12));
  }

  @Test
  void cutOffIsNotEnded() {
    // T-PPO: a truncated completion is worth what the critic says, here its last value
    double[] none = {0, 0, 0};
    double[] values = {.5, .6, .4};
    assertThat(generalised(none, values, 1, .95, .4).advantages().toArray())
        .containsExactly(new double[] {-.09, -.2, 0}, within(1e-12));
    assertThat(generalised(none, values, 1, .95, 0).advantages().toArray())
        .as("what taking it for ended would say")
        .containsExactly(new double[] {-.451, -.58, -.4}, within(1e-12));
  }

  @Test
  void lengthsMustAgree() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> generalised(REWARDS, new double[] {1}, 1, .95, 0))
        .withMessage("values: 1 elements (expected: 4)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> rewardsToGo(REWARDS, 1.5))
        .withMessage("discount: 1.5 (expected: 0.0 to 1.0)");
  }
}
