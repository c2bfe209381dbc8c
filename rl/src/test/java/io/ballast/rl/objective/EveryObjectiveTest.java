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
import io.ballast.rl.sample.PerSequenceName;
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
    ClipRange clip = ClipRange.of(.2, .28).withDual(3);
    return Stream.of(
        new PolicyGradient(MEAN),
        new ClippedSurrogate(clip, MEAN),
        new SequenceClippedSurrogate(clip),
        new ValueLoss(.2, MEAN, Critic.REWARD),
        new ValueLoss(.2, MEAN, Critic.COST),
        PairwisePreference.dpo(.1),
        PairwisePreference.iterativeNash(.5, 2),
        new WeightedLikelihood(MEAN),
        new PosteriorMatching(.5),
        new KlPenalty(.1, KlEstimator.K3, MEAN),
        new EntropyBonus(.01, MEAN),
        new PolicyGradient(MEAN).plus(.5, new KlPenalty(.1, KlEstimator.K2, MEAN)));
  }

  /** Two groups that every objective can read: a pair and a calibration sample in each. */
  private static Batch batch() {
    Batch random = Samples.random(21);
    List<Group> groups = new ArrayList<>();
    for (Group group : random.groups()) {
      List<Sample> samples = new ArrayList<>();
      for (int i = 0; i < group.size(); i++) {
        Sample sample = group.samples().get(i);
        samples.add(
            sample
                .with(
                    switch (i) {
                      case 0 -> SampleRole.CHOSEN;
                      case 1 -> SampleRole.REJECTED;
                      default -> SampleRole.CALIBRATION;
                    })
                .withAll(PerTokenName.ADVANTAGE, i - .7)
                .with(PerSequenceName.REWARD, i));
      }
      groups.add(new Group(group.groupId(), samples));
    }
    return new Batch(groups);
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
  @MethodSource("objectives")
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
