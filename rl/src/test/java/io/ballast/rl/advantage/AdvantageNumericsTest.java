package io.ballast.rl.advantage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.ballast.rl.objective.Samples;
import io.ballast.rl.regulariser.KlEstimator;
import io.ballast.rl.sample.Batch;
import io.ballast.rl.sample.PerSequenceName;
import io.ballast.rl.sample.PerTokenName;
import io.ballast.rl.sample.Sample;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.UnaryOperator;
import java.util.random.RandomGenerator;
import java.util.stream.Stream;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Absurd but finite rewards and log-probabilities give finite advantages. */
class AdvantageNumericsTest {
  private static final double[] EXTREMES = {-1e4, -700, -1, -1e-12, 0, 1e4};
  private static final double EPSILON = 1e-8;

  /** Every estimator as a function of the rewards of a group or of a completion's tokens. */
  static Stream<Named<UnaryOperator<double[]>>> estimators() {
    List<Named<UnaryOperator<double[]>>> all = new ArrayList<>();
    all.add(Named.of("standardized", rewards -> GroupAdvantages.standardized(rewards, EPSILON)));
    all.add(Named.of("centred", GroupAdvantages::centred));
    all.add(Named.of("leave one out", GroupAdvantages::leaveOneOut));
    all.add(Named.of("baseline", rewards -> GroupAdvantages.againstBaseline(rewards, -1e4)));
    all.add(Named.of("rewards to go", rewards -> TokenAdvantages.rewardsToGo(rewards, 1)));
    all.add(
        Named.of(
            "generalised",
            rewards ->
                TokenAdvantages.generalised(rewards, reversed(rewards), 1, 1, 1e4)
                    .advantages()
                    .toArray()));
    all.add(
        Named.of(
            "whitening",
            rewards -> {
              double[] mask = new double[rewards.length];
              Arrays.fill(mask, 1);
              return Whitening.masked(rewards, mask, EPSILON);
            }));
    for (KlEstimator estimator : KlEstimator.values()) {
      all.add(
          Named.of(
              "token rewards with " + estimator,
              logProbs ->
                  TokenRewards.withKlPenalty(estimator, logProbs, reversed(logProbs), 10, 1e4)));
    }
    return all.stream();
  }

  @ParameterizedTest
  @MethodSource("estimators")
  void finiteInputGivesFiniteOutput(UnaryOperator<double[]> estimator) {
    RandomGenerator random = new SplittableRandom(5);
    for (int trial = 0; trial < 200; trial++) {
      double[] rewards = extremes(random, 1 + trial % 6);
      assertThat(Arrays.stream(estimator.apply(rewards)))
          .hasSize(rewards.length)
          .allMatch(Double::isFinite);
    }
  }

  @ParameterizedTest
  @MethodSource("estimators")
  void noElementsAreRefusedByName(UnaryOperator<double[]> estimator) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> estimator.apply(new double[0]))
        .withMessageMatching("\\w+: no elements \\(expected: at least one\\)");
  }

  @ParameterizedTest
  @EnumSource(KlEstimator.class)
  void reinforcePlusPlusStaysFinite(KlEstimator estimator) {
    RandomGenerator random = new SplittableRandom(6);
    for (int seed = 0; seed < 40; seed++) {
      Batch batch =
          Samples.inEveryRole(seed, 3)
              .map(
                  s ->
                      s.with(PerTokenName.BEHAVIOUR_LOG_PROB, extremes(random, s.size()))
                          .with(PerTokenName.REFERENCE_LOG_PROB, extremes(random, s.size()))
                          .with(PerSequenceName.REWARD, extremes(random, 1)[0]));
      for (Sample sample :
          BatchAdvantages.reinforcePlusPlus(batch, estimator, 10, 1, EPSILON).samples()) {
        assertThat(Arrays.stream(sample.numbers(PerTokenName.ADVANTAGE).toArray()))
            .allMatch(Double::isFinite);
      }
    }
  }

  private static double[] extremes(RandomGenerator random, int size) {
    return random.ints(size, 0, EXTREMES.length).mapToDouble(i -> EXTREMES[i]).toArray();
  }

  private static double[] reversed(double[] values) {
    double[] reversed = new double[values.length];
    for (int i = 0; i < values.length; i++) {
      reversed[i] = values[values.length - 1 - i];
    }
    return reversed;
  }
}
