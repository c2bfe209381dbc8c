package io.ballast.rl.selection;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import io.ballast.rl.sample.Batch;
import io.ballast.rl.sample.Group;
import io.ballast.rl.sample.PerSequenceName;
import io.ballast.rl.sample.PerTokenName;
import io.ballast.rl.sample.Sample;
import io.ballast.rl.sample.TokenIds;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Which completions are worth training on. */
class SelectionTest {
  private static Group group(String id, double... rewards) {
    return new Group(
        id,
        Arrays.stream(rewards)
            .mapToObj(r -> Sample.rollout(TokenIds.of(1)).with(PerSequenceName.REWARD, r))
            .toList());
  }

  @Test
  void groupsWithoutASignalAreDropped() {
    List<Group> groups = List.of(group("mixed", 0, 1), group("won", 1, 1), group("one", .5));
    assertThat(DynamicSampling.keepInformative(groups))
        .extracting(Group::groupId)
        .containsExactly("mixed");
  }

  @Test
  void truncatedCompletionsAreMasked() {
    Sample ended = Sample.rollout(TokenIds.of(1, 2)).with(PerSequenceName.TRUNCATED, 0);
    Sample cutOff = ended.with(PerSequenceName.TRUNCATED, 1);
    List<Sample> kept =
        OverlongFilter.masked(Batch.of(new Group("p", List.of(ended, cutOff)))).samples();
    assertThat(kept.getFirst()).isEqualTo(ended);
    assertThat(kept.getLast()).isEqualTo(cutOff.with(PerTokenName.LOSS_MASK, 0, 0));
  }

  @Test
  void whetherOneWasTruncatedMustBeKnown() {
    Sample unknown = Sample.rollout(TokenIds.of(1));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> OverlongFilter.masked(Batch.of(new Group("p", List.of(unknown)))))
        .withMessage("TRUNCATED: absent (present: [])");
    Sample half = unknown.with(PerSequenceName.TRUNCATED, .5);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> OverlongFilter.masked(Batch.of(new Group("p", List.of(half)))))
        .withMessage("TRUNCATED: 0.5 (expected: 0 or 1)");
  }

  @Test
  void filtersByRank() {
    double[] rewards = {.2, .9, .1, .5, .4};
    assertThat(PolicyFiltration.weights(FiltrationMethod.BEST_RANDOM, rewards))
        .containsExactly(.125, .5, .125, .125, .125);
    assertThat(PolicyFiltration.weights(FiltrationMethod.BEST_WORST, rewards))
        .containsExactly(0, .5, .5, 0, 0);
    assertThat(PolicyFiltration.weights(FiltrationMethod.BEST_OF_N, rewards))
        .containsExactly(0, 1, 0, 0, 0);
  }

  @ParameterizedTest
  @EnumSource(FiltrationMethod.class)
  void weightsSumToOneAndTiesShare(FiltrationMethod method) {
    assertThat(Arrays.stream(PolicyFiltration.weights(method, new double[] {3, 3, 1, 0})).sum())
        .isCloseTo(1, within(1e-12));
    double[] tied = PolicyFiltration.weights(method, new double[] {3, 3, 1, 0});
    assertThat(tied[0]).isEqualTo(tied[1]);
    assertThat(PolicyFiltration.weights(method, new double[] {7})).containsExactly(1);
  }

  @Test
  void powerWeights() {
    // 1, 4, 9 over 14
    assertThat(PolicyFiltration.powerWeights(new double[] {1, -2, 3}, 2))
        .containsExactly(new double[] {.071429, .285714, .642857}, within(1e-6));
    assertThat(PolicyFiltration.powerWeights(new double[] {0, 0}, 2)).containsExactly(.5, .5);
  }

  @Test
  void rSquaredOfTheBestLine() {
    // slope .33, intercept −.07; residuals leave 4.05 % of the variance
    assertThat(
            PolicyFiltration.rSquared(new double[] {0, 1, 2, 3}, new double[] {0, .2, .5, 1})
                .orElseThrow())
        .isCloseTo(.959471, within(1e-6));
    assertThat(PolicyFiltration.rSquared(new double[] {1, 1}, new double[] {0, 1})).isEmpty();
  }
}
