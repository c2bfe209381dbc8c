package io.ballast.rl.objective;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.within;

import io.ballast.rl.regulariser.KlEstimator;
import io.ballast.rl.regulariser.KlPenalty;
import io.ballast.rl.sample.Batch;
import io.ballast.rl.sample.Group;
import io.ballast.rl.sample.PerSequenceName;
import io.ballast.rl.sample.PerTokenName;
import io.ballast.rl.sample.Sample;
import io.ballast.rl.sample.SampleRole;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What a loss is the mean over says how to compute it group by group. */
class MeanOverTest {
  private static final int BATCHES = 25;

  static Stream<Objective> objectives() {
    Stream<Objective> everyAggregation =
        Stream.of(LossAggregation.values())
            .map(mode -> new PolicyGradient(new Aggregation(mode, 7)));
    return Stream.concat(EveryObjectiveTest.objectives(), everyAggregation);
  }

  @ParameterizedTest
  @MethodSource("objectives")
  void aBatchIsTheSumOfItsGroupsByTheirShares(Objective objective) {
    for (int seed = 0; seed < BATCHES; seed++) {
      assertGroupByGroup(objective, Samples.inEveryRole(seed, 1 + seed % 5));
    }
  }

  @Test
  void aGroupThatIsMaskedThroughoutHasNoShare() {
    Group first = Samples.inEveryRole(31, 1).groups().getFirst();
    Group second = Samples.inEveryRole(32, 1).groups().getFirst();
    Batch batch = Batch.of(first, second.map(s -> s.withAll(PerTokenName.LOSS_MASK, 0)));
    for (MeanOver over : MeanOver.values()) {
      assertThat(over.countIn(batch.groups().getLast())).isZero();
    }
    Stream.of(
            new PolicyGradient(Aggregation.tokenMean()),
            new PolicyGradient(Aggregation.sequenceMeanTokenSum()),
            new SequenceClippedSurrogate(ClipRange.symmetric(.2)),
            UnpairedPreference.kto(.1),
            new PosteriorMatching(1))
        .forEach(objective -> assertGroupByGroup(objective, batch));
  }

  @Test
  void countsWhatIsUnmasked() {
    Sample half = Samples.blank(2).with(PerTokenName.LOSS_MASK, 1, .5);
    Sample none = Samples.blank(3).withAll(PerTokenName.LOSS_MASK, 0);
    Group group = new Group("p", List.of(half, none, Samples.blank(4)));
    assertThat(MeanOver.TOKENS.countIn(group)).isEqualTo(5.5);
    assertThat(MeanOver.COMPLETIONS.countIn(group)).isEqualTo(2);
    assertThat(MeanOver.GROUPS.countIn(group)).isEqualTo(1);
  }

  @Test
  void ktoCountsTheRated() {
    Group group =
        new Group(
            "p",
            List.of(
                Samples.blank(1).with(SampleRole.DESIRABLE),
                Samples.blank(1).with(SampleRole.UNDESIRABLE),
                Samples.blank(1).with(SampleRole.DESIRABLE).withAll(PerTokenName.LOSS_MASK, 0),
                Samples.blank(1).with(SampleRole.CALIBRATION)));
    assertThat(UnpairedPreference.kto(.1).countIn(group)).isEqualTo(2);
  }

  @Test
  void ktosBaselineOfTheBatchComesInAsANumberOfTheSample() {
    UnpairedPreference kto = UnpairedPreference.kto(.3);
    Batch without =
        Samples.inEveryRole(5, 20)
            .map(
                s ->
                    new Sample(s.tokens(), s.perToken(), Map.of(), s.role(), s.provenance())
                        .with(
                            PerTokenName.CURRENT_LOG_PROB,
                            s.numbers(PerTokenName.REFERENCE_LOG_PROB).toArray()));
    Batch moved =
        without.map(
            s ->
                s.role() == SampleRole.CALIBRATION
                    ? s.withAll(PerTokenName.REFERENCE_LOG_PROB, -4)
                    : s);
    double z = kto.baseline(moved);
    assertThat(z).isPositive();
    Batch with = moved.map(s -> s.with(PerSequenceName.PREFERENCE_BASELINE, z));
    assertThat(kto.evaluate(with)).isEqualTo(kto.evaluate(moved));
    assertGroupByGroup(kto, with);
  }

  @Test
  void aSumOfDifferentMeansSaysToWalkItsTerms() {
    Objective mixed =
        new SequenceClippedSurrogate(ClipRange.symmetric(.2))
            .plus(.5, new KlPenalty(.1, KlEstimator.K3, Aggregation.tokenMean()));
    assertThatExceptionOfType(UnsupportedOperationException.class)
        .isThrownBy(mixed::meanOver)
        .withMessage(
            "the terms of the sum are means over different things, [COMPLETIONS, TOKENS]: walk "
                + "terms() and weigh each with its own share");
    Objective agreed =
        new PolicyGradient(Aggregation.tokenMean())
            .plus(.5, new KlPenalty(.1, KlEstimator.K3, Aggregation.tokenMean()));
    assertThat(agreed.meanOver()).isEqualTo(MeanOver.TOKENS);
  }

  /** As a learner does it: term by term, group by group. */
  private static void assertGroupByGroup(Objective objective, Batch batch) {
    ObjectiveResult whole = objective.evaluate(batch);
    double value = 0;
    double[][] gradients =
        batch.samples().stream().map(s -> new double[s.size()]).toArray(double[][]::new);
    for (WeightedSum.Term term : objective.terms()) {
      double count = batch.groups().stream().mapToDouble(term.objective()::countIn).sum();
      int offset = 0;
      for (Group group : batch.groups()) {
        double share = term.weight() * term.objective().countIn(group) / count;
        if (share != 0) {
          ObjectiveResult alone = term.objective().evaluate(Batch.of(group));
          value += share * alone.value();
          for (int i = 0; i < group.size(); i++) {
            add(gradients[offset + i], share, alone.gradients().get(i));
          }
        }
        offset += group.size();
      }
    }
    assertThat(value).as("%s", objective).isCloseTo(whole.value(), within(1e-12));
    for (int i = 0; i < gradients.length; i++) {
      double[] expected = new double[gradients[i].length];
      add(expected, 1, whole.gradients().get(i));
      assertThat(gradients[i])
          .as("%s, sample %d", objective, i)
          .containsExactly(expected, within(1e-12));
    }
  }

  /** Adds the gradients by every name: what one name has, another could not hide. */
  private static void add(double[] target, double weight, SampleGradient gradient) {
    gradient
        .byName()
        .forEach(
            (name, numbers) -> {
              for (int t = 0; t < target.length; t++) {
                target[t] += weight * numbers.get(t) * (1 + name.ordinal());
              }
            });
  }
}
