package io.ballast.rl.objective;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import io.ballast.rl.objective.ValueLoss.Critic;
import io.ballast.rl.regulariser.EntropyBonus;
import io.ballast.rl.regulariser.KlEstimator;
import io.ballast.rl.regulariser.KlPenalty;
import io.ballast.rl.sample.Batch;
import io.ballast.rl.sample.PerSequenceName;
import io.ballast.rl.sample.PerTokenName;
import io.ballast.rl.sample.Sample;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Absurd but finite numbers give a loss and a gradient that are finite too. */
class ObjectiveNumericsTest {
  private static final double[] EXTREMES = {-1e4, -700, -1, -1e-12, 0, 1e4};
  private static final Aggregation MEAN = Aggregation.sequenceMeanTokenMean();

  static Stream<Objective> objectives() {
    List<Objective> all = new ArrayList<>(EveryObjectiveTest.objectives().toList());
    for (PairLoss loss : PairLoss.values()) {
      for (SequenceMeasure measure : SequenceMeasure.values()) {
        all.add(new PairwisePreference(loss, 10, 1, .1, Anchor.none(), measure));
        all.add(new PairwisePreference(loss, .1, 0, .4, Anchor.iterativeNash(.5, 2), measure));
      }
    }
    for (KlEstimator estimator : KlEstimator.values()) {
      all.add(new KlPenalty(1, estimator, Aggregation.tokenMean()));
    }
    for (LossAggregation mode : LossAggregation.values()) {
      all.add(new ClippedSurrogate(ClipRange.of(1, 5), new Aggregation(mode, 1)));
    }
    return all.stream();
  }

  /** Objectives that read rollouts one by one, and that need no partner. */
  static Stream<Objective> ofRollouts() {
    return Stream.of(
        new PolicyGradient(MEAN),
        new ClippedSurrogate(ClipRange.symmetric(.2), MEAN),
        ClippedWeightGradient.cispo(.2),
        new SequenceClippedSurrogate(ClipRange.symmetric(.2)),
        new TruncatedImportance(2, new PolicyGradient(MEAN)),
        new TruncatedImportance(2, new SequenceClippedSurrogate(ClipRange.symmetric(.2))),
        new ValueLoss(.2, MEAN, Critic.REWARD),
        new ValueLoss(.2, MEAN, Critic.COST),
        new PosteriorMatching(1),
        new KlPenalty(.1, KlEstimator.K1, MEAN),
        new KlPenalty(.1, KlEstimator.K2, MEAN),
        new KlPenalty(.1, KlEstimator.K3, MEAN),
        new EntropyBonus(.1, MEAN));
  }

  @ParameterizedTest
  @MethodSource("objectives")
  void finiteInputGivesFiniteOutput(Objective objective) {
    for (int seed = 0; seed < 40; seed++) {
      Batch batch = extreme(seed);
      ObjectiveResult result = objective.evaluate(batch);
      assertThat(result.value()).isFinite();
      assertThat(result.metrics().values()).allMatch(Double::isFinite);
      for (SampleGradient gradient : result.gradients()) {
        gradient
            .byName()
            .values()
            .forEach(
                numbers -> assertThat(Arrays.stream(numbers.toArray())).allMatch(Double::isFinite));
      }
    }
  }

  @ParameterizedTest
  @MethodSource("ofRollouts")
  void aGroupOfOneTokenWithoutASignalGivesExactZeros(Objective objective) {
    Sample none = Samples.blank(1).with(PerSequenceName.REWARD, .3);
    for (PerTokenName name : PerTokenName.values()) {
      none =
          none.withAll(
              name,
              switch (name) {
                case LOSS_MASK -> 1;
                case ADVANTAGE, ENTROPY -> 0;
                case CURRENT_LOG_PROB,
                    BEHAVIOUR_LOG_PROB,
                    SERVED_LOG_PROB,
                    REFERENCE_LOG_PROB,
                    ITERATION_LOG_PROB,
                    HELPER_LOG_PROB,
                    VALUE,
                    BEHAVIOUR_VALUE,
                    COST_VALUE,
                    BEHAVIOUR_COST_VALUE,
                    REWARD,
                    RETURN,
                    COST_RETURN ->
                    -.7;
              });
    }
    ObjectiveResult result = objective.evaluate(Samples.oneGroup(none));
    assertThat(result.value()).isZero();
    assertThat(result.gradients().getFirst().logProbs().get(0)).isEqualTo(isK1(objective) ? .1 : 0);
    assertThat(result.gradients().getFirst().of(PerTokenName.VALUE).get(0)).isZero();
    assertThat(result.gradients().getFirst().of(PerTokenName.COST_VALUE).get(0)).isZero();
  }

  /** k1 pulls at its reference too: its mean over the policy is what vanishes. */
  private static boolean isK1(Objective objective) {
    return objective instanceof KlPenalty kl && kl.estimator() == KlEstimator.K1;
  }

  @ParameterizedTest
  @MethodSource("objectives")
  void aBatchThatIsMaskedThroughoutIsRefusedByName(Objective objective) {
    Batch masked = Samples.inEveryRole(1, 2).map(s -> s.withAll(PerTokenName.LOSS_MASK, 0));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> objective.evaluate(masked))
        .withMessageMatching(".*(LOSS_MASK.*0 for every token|no unmasked sample).*");
  }

  @Test
  void logOddsAreRightFromTheRareToTheCertain() {
    // log(p/(1 − p)) for p = ½ and p = 1 − 1e-6; for a rare p it is log p
    assertThat(logOdds(Math.log(.5))).isCloseTo(0, within(1e-12));
    assertThat(logOdds(Math.log1p(-1e-6))).isCloseTo(Math.log(999_999), within(1e-9));
    assertThat(logOdds(-1e4)).isEqualTo(-1e4);
    assertThat(logOdds(0)).isEqualTo(20);
  }

  private static double logOdds(double logProb) {
    Sample sample = Samples.blank(1).with(PerTokenName.CURRENT_LOG_PROB, logProb);
    return SequenceMeasure.LOG_ODDS.of(sample, PerTokenName.CURRENT_LOG_PROB);
  }

  private static Batch extreme(long seed) {
    RandomGenerator random = new SplittableRandom(seed);
    return Samples.inEveryRole(seed, 3)
        .map(
            sample -> {
              Sample next =
                  sample
                      .with(PerSequenceName.REWARD, pick(random))
                      .with(PerSequenceName.LIKELIHOOD_WEIGHT, pick(random))
                      .with(PerSequenceName.PREFERENCE_BASELINE, pick(random));
              for (PerTokenName name : PerTokenName.values()) {
                if (name != PerTokenName.LOSS_MASK) {
                  next =
                      next.with(name, random.doubles(next.size()).map(_ -> pick(random)).toArray());
                }
              }
              return next;
            });
  }

  private static double pick(RandomGenerator random) {
    return EXTREMES[random.nextInt(EXTREMES.length)];
  }
}
