package io.ballast.rl.advantage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.ballast.rl.regulariser.KlEstimator;
import io.ballast.rl.stats.RunningMoments;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Rewards are priced, brought to one unit and clipped before advantages are made of them. */
class TokenRewardsTest {
  @Test
  void theRewardBelongsToTheLastToken() {
    double[] same = {-1, -2, -3};
    assertThat(TokenRewards.withKlPenalty(same, same, .1, 5)).containsExactly(0, 0, 5);
  }

  @Test
  void aCostGrowsWithDistance() {
    // Safe RLHF adds β·kl to the cost: pass −β
    assertThat(TokenRewards.withKlPenalty(new double[] {-1}, new double[] {-1.5}, -.1, 2))
        .containsExactly(new double[] {2.05}, within(1e-12));
  }

  @Test
  void theDistanceMayBeEstimatedInThreeWays() {
    // u = −.2, β = .1: k1 pays .02, k2 costs .002, k3 costs .0021403
    double[] logProbs = {-1.2};
    double[] reference = {-1};
    assertThat(TokenRewards.withKlPenalty(KlEstimator.K1, logProbs, reference, .1, 1))
        .containsExactly(new double[] {1.02}, within(1e-12));
    assertThat(TokenRewards.withKlPenalty(KlEstimator.K2, logProbs, reference, .1, 1))
        .containsExactly(new double[] {.998}, within(1e-12));
    assertThat(TokenRewards.withKlPenalty(KlEstimator.K3, logProbs, reference, .1, 1))
        .containsExactly(new double[] {.997860}, within(1e-6));
  }

  @Test
  void ppoMaxNormalisesAndClips() {
    // mean 4, unbiased std = sqrt(50/4) = 3.535534; (1 − 4)/3.535534 = −.848528 is clipped
    double[] rewards = {1, 2, 3, 4, 10};
    RunningMoments seen = RunningMoments.empty().add(rewards);
    double[] normalised = new double[5];
    for (int i = 0; i < 5; i++) {
      normalised[i] = TokenRewards.normalised(rewards[i], seen, .8);
    }
    assertThat(normalised)
        .containsExactly(new double[] {-.8, -.565685, -.282843, 0, .8}, within(1e-6));
  }

  @Test
  void normalisesByGivenMoments() {
    // mean 1, std 2: three numbers with squared deviations 8
    RunningMoments seen = new RunningMoments(3, 1, 8);
    assertThat(TokenRewards.normalised(1, seen, .8)).isEqualTo(0);
    assertThat(TokenRewards.normalised(2, seen, .8)).isEqualTo(.5);
    assertThat(TokenRewards.normalised(4, seen, .8)).isEqualTo(.8);
  }

  @Test
  void nothingIsKnownOfTheUnitOfOneReward() {
    assertThat(TokenRewards.normalised(9, RunningMoments.empty().add(3), 1)).isEqualTo(0);
  }

  @ParameterizedTest
  @CsvSource({"0, 0", "16000, 0", "16384, 0", "18432, -.5", "20480, -1", "30000, -1"})
  void longCompletionsPay(int length, double penalty) {
    assertThat(TokenRewards.overlongPenalty(length, 20480, 4096, 1)).isEqualTo(penalty);
  }
}
