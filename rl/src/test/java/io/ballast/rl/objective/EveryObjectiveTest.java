package io.ballast.rl.objective;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import io.ballast.rl.objective.ValueLoss.Critic;
import io.ballast.rl.regulariser.EntropyBonus;
import io.ballast.rl.regulariser.KlEstimator;
import io.ballast.rl.regulariser.KlPenalty;
import io.ballast.rl.sample.Batch;
import io.ballast.rl.sample.Group;
import io.ballast.rl.sample.PerTokenName;
import io.ballast.rl.sample.Sample;
import io.ballast.rl.sample.SampleRole;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What holds for every objective, whatever its family. */
class EveryObjectiveTest {
  private static final Aggregation MEAN = Aggregation.sequenceMeanTokenMean();

  static Stream<Objective> objectives() {
    return Stream.concat(slopes(), constantsInTheGradient());
  }

  /** Those whose gradient is the slope of their value. */
  private static Stream<Objective> slopes() {
    ClipRange clip = ClipRange.of(.2, .28).withDual(3);
    return Stream.of(
        new PolicyGradient(MEAN),
        new ClippedSurrogate(clip, MEAN),
        new SequenceClippedSurrogate(clip),
        new TruncatedImportance(1.1, new PolicyGradient(MEAN)),
        new TruncatedImportance(1.1, new ClippedSurrogate(clip, MEAN)),
        new ValueLoss(.2, MEAN, Critic.REWARD),
        new ValueLoss(.2, MEAN, Critic.COST),
        PairwisePreference.dpo(.1),
        PairwisePreference.iterativeNash(.5, 2),
        PairwisePreference.simpo(2.5, 1.375),
        PairwisePreference.slic(1, .1),
        PairwisePreference.orpo(.1),
        PairwisePreference.xpo(.1, .01),
        new UnpairedPreference(.4, 1, 1.5, Anchor.reference()),
        new WeightedLikelihood(MEAN),
        OfRoles.only(SampleRole.CHOSEN, new WeightedLikelihood(Aggregation.tokenMean())),
        new PosteriorMatching(.5),
        new KlPenalty(.1, KlEstimator.K3, MEAN),
        new EntropyBonus(.01, MEAN),
        new PolicyGradient(MEAN).plus(.5, new KlPenalty(.1, KlEstimator.K2, MEAN)));
  }

  /** Those that hold constant what depends on the policy: each one's own test says what. */
  private static Stream<Objective> constantsInTheGradient() {
    ClipRange clip = ClipRange.of(.2, .28);
    return Stream.of(
        ClippedWeightGradient.cispo(.28),
        new ClippedWeightGradient(clip, MEAN),
        new TruncatedImportance(1.1, ClippedWeightGradient.cispo(.28)),
        new TruncatedImportance(1.1, new SequenceClippedSurrogate(clip)),
        new TruncatedImportance(
            1.1,
            new SequenceClippedSurrogate(clip)
                .plus(.1, new KlPenalty(.1, KlEstimator.K3, Aggregation.tokenMean()))));
  }

  private static Batch batch() {
    return Samples.inEveryRole(21, 2);
  }

  @ParameterizedTest
  @MethodSource("objectives")
  void readsNoMoreThanItRequires(Objective objective) {
    Batch full = batch();
    Batch stripped =
        full.map(
            sample -> {
              Sample bare =
                  new Sample(
                      sample.tokens(),
                      Samples.blank(sample.size()).perToken(),
                      sample.perSequence(),
                      sample.role(),
                      sample.provenance());
              bare = copy(sample, bare, PerTokenName.LOSS_MASK);
              for (PerTokenName name : objective.requires()) {
                bare = copy(sample, bare, name);
              }
              return bare;
            });
    assertThat(objective.evaluate(stripped)).isEqualTo(objective.evaluate(full));
  }

  private static Sample copy(Sample from, Sample to, PerTokenName name) {
    return to.with(name, from.numbers(name).toArray());
  }

  @ParameterizedTest
  @MethodSource("objectives")
  void hasAGradientForNothingButWhatItRequiresAndCanChange(Objective objective) {
    Batch batch = batch();
    ObjectiveResult result = objective.evaluate(batch);
    assertThat(result.gradients()).hasSameSizeAs(batch.samples());
    for (int i = 0; i < batch.samples().size(); i++) {
      Sample sample = batch.samples().get(i);
      SampleGradient gradient = result.gradients().get(i);
      assertThat(gradient.size()).isEqualTo(sample.size());
      assertThat(gradient.byName().keySet())
          .allMatch(PerTokenName::differentiable)
          .isSubsetOf(objective.requires());
      for (PerTokenName name : gradient.byName().keySet()) {
        for (int t = 0; t < sample.size(); t++) {
          if (sample.lossMask(t) == 0) {
            assertThat(gradient.of(name).get(t)).as("masked token %s", t).isZero();
          }
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("objectives")
  void doesNotCareForTheOrderOfGroups(Objective objective) {
    Batch batch = batch();
    List<Group> turned = new ArrayList<>(batch.groups());
    Collections.reverse(turned);
    ObjectiveResult forward = objective.evaluate(batch);
    ObjectiveResult backward = objective.evaluate(new Batch(turned));
    assertThat(backward.value()).isCloseTo(forward.value(), within(1e-12));
    assertThat(backward.gradients().getFirst())
        .isEqualTo(forward.gradients().get(batch.groups().getFirst().size()));
  }

  @ParameterizedTest
  @MethodSource("slopes")
  void itsGradientIsItsSlope(Objective objective) {
    Samples.assertGradientIsTheSlope(objective, batch());
  }

  @Test
  void aSumOfObjectivesAddsValuesAndGradients() {
    Batch batch = batch();
    Objective policy = new PolicyGradient(MEAN);
    Objective kl = new KlPenalty(.1, KlEstimator.K2, MEAN);
    ObjectiveResult sum = policy.plus(.5, kl).evaluate(batch);
    ObjectiveResult first = policy.evaluate(batch);
    ObjectiveResult second = kl.evaluate(batch);
    assertThat(sum.value()).isCloseTo(first.value() + .5 * second.value(), within(1e-12));
    assertThat(sum.gradients().get(1).logProbs().get(0))
        .isCloseTo(
            first.gradients().get(1).logProbs().get(0)
                + .5 * second.gradients().get(1).logProbs().get(0),
            within(1e-12));
    assertThat(sum.metrics()).isEqualTo(second.metrics());
  }

  @Test
  void aSumOfSumsIsOneSum() {
    Batch batch = batch();
    Objective policy = new PolicyGradient(MEAN);
    Objective kl = new KlPenalty(.1, KlEstimator.K2, MEAN);
    Objective nested = policy.plus(.5, kl.plus(2, policy));
    assertThat(nested.terms())
        .containsExactly(
            new WeightedSum.Term(1, policy),
            new WeightedSum.Term(.5, kl),
            new WeightedSum.Term(1, policy));
    assertThat(nested.evaluate(batch).value())
        .isCloseTo(
            2 * policy.evaluate(batch).value() + .5 * kl.evaluate(batch).value(), within(1e-12));
    assertThat(policy.terms()).containsExactly(new WeightedSum.Term(1, policy));
  }

  @Test
  void whatOverflowsIsAnErrorAndNeverANumber() {
    Batch huge =
        Samples.oneGroup(Samples.blank(1).with(PerTokenName.CURRENT_LOG_PROB, -1e300))
            .map(sample -> sample.with(PerTokenName.ADVANTAGE, 1e300));
    assertThatExceptionOfType(ArithmeticException.class)
        .isThrownBy(() -> new PolicyGradient(MEAN).evaluate(huge))
        .withMessage("the objective's value is Infinity");
  }

  @Test
  void constantsHaveNoGradient() {
    assertThatIllegalArgumentException()
        .isThrownBy(
            () -> ObjectiveResult.builder(batch()).addGradient(0, PerTokenName.ADVANTAGE, 0, 1))
        .withMessage("ADVANTAGE: is a constant (expected: differentiable)");
  }
}
