package io.ballast.rl.objective;

import static io.ballast.rl.sample.PerTokenName.ADVANTAGE;
import static io.ballast.rl.sample.PerTokenName.BEHAVIOUR_LOG_PROB;
import static io.ballast.rl.sample.PerTokenName.CURRENT_LOG_PROB;
import static io.ballast.rl.sample.PerTokenName.SERVED_LOG_PROB;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import io.ballast.rl.regulariser.KlEstimator;
import io.ballast.rl.regulariser.KlPenalty;
import io.ballast.rl.sample.Batch;
import io.ballast.rl.sample.Sample;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Truncated importance sampling weighs tokens by how far the server's numbers are off. */
class TruncatedImportanceTest {
  private static final Aggregation MEAN = Aggregation.tokenMean();
  private static final ClipRange CLIP = ClipRange.of(.2, .28).withDual(3);

  static Stream<Objective> policyGradients() {
    return Stream.of(
        new PolicyGradient(MEAN),
        new ClippedSurrogate(CLIP, MEAN),
        ClippedWeightGradient.cispo(.28),
        new SequenceClippedSurrogate(CLIP));
  }

  @Test
  void aHandComputedCompletion() {
    // log μ − log μ_served = .5, −.3, 2: weights min(1.648721, 2), .740818, 2 of tokens whose
    // losses are 1, 1 and 1; mean 1.463180
    Sample sample =
        Samples.blank(3)
            .withAll(CURRENT_LOG_PROB, -1)
            .withAll(ADVANTAGE, 1)
            .withAll(BEHAVIOUR_LOG_PROB, -1)
            .with(SERVED_LOG_PROB, -1.5, -.7, -3);
    ObjectiveResult result =
        new TruncatedImportance(2, new PolicyGradient(MEAN)).evaluate(Samples.oneGroup(sample));
    assertThat(result.value()).isCloseTo(1.463180, within(1e-6));
    assertThat(result.gradients().getFirst().logProbs().toArray())
        .containsExactly(new double[] {-.549574, -.246939, -.666667}, within(1e-6));
    assertThat(result.metrics().get(ObjectiveMetric.IMPORTANCE_WEIGHT))
        .isCloseTo(1.463180, within(1e-6));
  }

  @ParameterizedTest
  @MethodSource("policyGradients")
  void aServerThatIsRightChangesNothing(Objective objective) {
    Batch batch =
        Samples.inEveryRole(3, 3)
            .map(s -> s.with(SERVED_LOG_PROB, s.numbers(BEHAVIOUR_LOG_PROB).toArray()));
    ObjectiveResult plain = objective.evaluate(batch);
    ObjectiveResult corrected = new TruncatedImportance(2, objective).evaluate(batch);
    assertThat(corrected.value()).isEqualTo(plain.value());
    assertThat(corrected.gradients()).isEqualTo(plain.gradients());
    assertThat(corrected.metrics()).containsEntry(ObjectiveMetric.IMPORTANCE_WEIGHT, 1.0);
  }

  @ParameterizedTest
  @MethodSource("policyGradients")
  void oneWeightForAllTokensIsAFactorOfTheLoss(Objective objective) {
    Batch batch =
        Samples.inEveryRole(4, 3)
            .map(
                s -> {
                  double[] served = s.numbers(BEHAVIOUR_LOG_PROB).toArray();
                  for (int t = 0; t < served.length; t++) {
                    served[t] -= Math.log(1.5);
                  }
                  return s.with(SERVED_LOG_PROB, served);
                });
    ObjectiveResult plain = objective.evaluate(batch);
    for (double cap : new double[] {2, 1.2}) {
      double factor = Math.min(1.5, cap);
      ObjectiveResult corrected = new TruncatedImportance(cap, objective).evaluate(batch);
      assertThat(corrected.value()).isCloseTo(factor * plain.value(), within(1e-12));
      for (int i = 0; i < batch.samples().size(); i++) {
        for (int t = 0; t < batch.samples().get(i).size(); t++) {
          assertThat(corrected.gradients().get(i).logProbs().get(t))
              .isCloseTo(factor * plain.gradients().get(i).logProbs().get(t), within(1e-12));
        }
      }
    }
  }

  @Test
  void termsWithoutAdvantagesStayAsTheyAre() {
    Objective policy = new PolicyGradient(MEAN);
    Objective kl = new KlPenalty(.1, KlEstimator.K3, MEAN);
    Objective corrected = new TruncatedImportance(2, policy.plus(.5, kl));
    assertThat(corrected.terms())
        .containsExactly(
            new WeightedSum.Term(1, new TruncatedImportance(2, policy)),
            new WeightedSum.Term(.5, kl));
    Batch batch = Samples.random(9);
    assertThat(corrected.evaluate(batch).value())
        .isCloseTo(new WeightedSum(corrected.terms()).evaluate(batch).value(), within(1e-12));
  }

  @Test
  void thereMustBeSomethingToWeigh() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new TruncatedImportance(2, new WeightedLikelihood(MEAN)))
        .withMessage("objective: requires [CURRENT_LOG_PROB] (expected: ADVANTAGE among them)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new TruncatedImportance(0, new PolicyGradient(MEAN)))
        .withMessage("cap: 0.0 (expected: > 0, finite)");
  }
}
