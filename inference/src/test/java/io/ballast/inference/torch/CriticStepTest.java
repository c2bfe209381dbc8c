package io.ballast.inference.torch;

import static io.ballast.inference.torch.TensorNumbers.doubles;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.ballast.inference.torch.LossesByHand.ReturnsOfOne;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A critic that learns alone leaves the policy, and all that an update of it goes by, alone. */
class CriticStepTest {
  private static final List<CompletionGroup> GROUPS = LoraBase.GROUPS;
  private static final OptimizerOptions OPTIMIZER =
      new OptimizerOptions(0.9, 0.95, 1e-8, 0.1, Double.POSITIVE_INFINITY);
  private static final int WIDTH = TinyModels.CONFIG.hiddenSize();

  @TempDir private Path folder;

  @ParameterizedTest
  @EnumSource(Arithmetic.class)
  void itsLossFallsAndNoBitOfThePolicyChanges(Arithmetic arithmetic) {
    try (TrainableDecoder decoder = fresh(arithmetic, OPTIMIZER)) {
      double[] before = policy(decoder.weights().flat());
      List<GroupScores> said = decoder.scores(GROUPS);

      double first = learnReturns(decoder);
      double last = first;
      for (int i = 0; i < 200; i++) {
        last = learnReturns(decoder);
      }

      assertThat(last).isLessThan(first / 2);
      assertThat(policy(decoder.weights().flat())).isEqualTo(before);
      assertThat(policy(decoder.optimizer().firstMoment())).containsOnly(0.0);
      assertThat(policy(decoder.optimizer().secondMoment())).containsOnly(0.0);
      assertThat(decoder.steps()).isZero();
      List<GroupScores> now = decoder.scores(GROUPS);
      for (int i = 0; i < now.size(); i++) {
        assertThat(now.get(i).logProbs()).isEqualTo(said.get(i).logProbs());
        assertThat(now.get(i).values()).isNotEqualTo(said.get(i).values());
      }
    }
  }

  @Test
  void adaptersStandStillAsWell() throws IOException {
    try (FrozenDecoder base = new LoraBase(folder).load(Arithmetic.FLOAT32);
        TrainableDecoder decoder =
            TrainableDecoder.adapting(
                base,
                LoraBase.ALL,
                TrainingOptions.of(OPTIMIZER).withCritic(),
                new SplittableRandom(5))) {
      double[] before = doubles(decoder.trained().flat());
      int adapters = before.length - WIDTH - 1;

      double norm = 0;
      for (int i = 0; i < 3; i++) {
        var unused = collectReturns(decoder);
        norm = decoder.criticStep(1e-2);
      }

      double[] after = doubles(decoder.trained().flat());
      assertThat(norm).isPositive();
      assertThat(Arrays.copyOf(after, adapters)).isEqualTo(Arrays.copyOf(before, adapters));
      assertThat(after[after.length - 1]).isNotEqualTo(before[after.length - 1]);
    }
  }

  @Test
  void thePolicysFirstStepIsAsWithoutAnyOfTheCritics() {
    try (TrainableDecoder warm = fresh(Arithmetic.FLOAT64, OPTIMIZER);
        TrainableDecoder cold = fresh(Arithmetic.FLOAT64, OPTIMIZER)) {
      for (int i = 0; i < 20; i++) {
        learnReturns(warm);
      }
      for (TrainableDecoder each : List.of(warm, cold)) {
        each.forwardBackward(GROUPS, LossesByHand::likelier);
        each.optimizerStep(1e-2);
      }

      assertThat(policy(warm.weights().flat()))
          .containsExactly(policy(cold.weights().flat()), within(1e-12));
      assertThat(warm.steps()).isEqualTo(1);
      assertThat(warm.optimizer().criticSteps()).isEqualTo(21);
    }
  }

  @Test
  void eachNumberCountsItsOwnSteps() {
    // the bias θ = 0 with g = 2 alone, η = 0.1: m̂/√v̂ = 1, so θ = −0.1. Then, with all, g = −1:
    // m = 0.08, v = 0.24, t = 2: θ = −0.1 − 0.1·(0.08/0.19)/√(0.24/0.0975)
    // a norm's weight 1 with g = 2 at its own first step: 1 − 0.1
    try (TrainableDecoder decoder = fresh(Arithmetic.FLOAT64, OPTIMIZER)) {
      int bias = doubles(decoder.weights().flat()).length - 1;
      int norm = (int) decoder.weights().layout().finalNorm().offset();
      setGradient(decoder, bias, 2);
      setGradient(decoder, norm, 5);
      assertThat(decoder.criticStep(0.1)).as("of the critic alone").isEqualTo(2);
      assertThat(doubles(decoder.weights().flat())[bias]).isCloseTo(-0.1, within(1e-8));
      setGradient(decoder, bias, -1);
      setGradient(decoder, norm, 2);
      decoder.optimizerStep(0.1);

      double second = 0.1 * (0.08 / 0.19) / Math.sqrt(0.24 / 0.0975);
      assertThat(doubles(decoder.weights().flat())[bias]).isCloseTo(-0.1 - second, within(1e-8));
      assertThat(doubles(decoder.weights().flat())[norm]).isCloseTo(0.9, within(1e-8));
    }
  }

  @Test
  void aLongGradientOfThePolicyDoesNotShortenTheCritics() {
    OptimizerOptions clipping = new OptimizerOptions(0.9, 0.95, 1e-8, 0, 0.25);
    try (TrainableDecoder decoder = fresh(Arithmetic.FLOAT64, clipping)) {
      int bias = doubles(decoder.weights().flat()).length - 1;
      setGradient(decoder, 3, 100);
      setGradient(decoder, bias, 0.2);
      decoder.criticStep(0.1);
      // m = (1 − β₁)·g
      assertThat(doubles(decoder.optimizer().firstMoment())[bias]).isCloseTo(0.02, within(1e-15));
      setGradient(decoder, bias, 2);
      decoder.criticStep(0.1);
      assertThat(doubles(decoder.optimizer().firstMoment())[bias])
          .as("0.9·0.02 + 0.1·0.25, its own length being over 0.25")
          .isCloseTo(0.043, within(1e-6));
    }
  }

  @Test
  void anAverageFollowsTheCriticAlone() {
    TrainingOptions averaged = TrainingOptions.of(OPTIMIZER).withCritic().withAverage(0.5);
    TorchRuntime.setThreads(1);
    try (TrainableDecoder decoder =
        TrainableDecoder.create(
            TinyModels.CONFIG, Arithmetic.FLOAT32, averaged, new SplittableRandom(7))) {
      double[] before = policy(decoder.state().average());
      int bias = doubles(decoder.weights().flat()).length - 1;
      setGradient(decoder, bias, 2);
      decoder.criticStep(0.1);

      assertThat(policy(decoder.state().average())).isEqualTo(before);
      assertThat(doubles(decoder.state().average())[bias]).isCloseTo(-0.05, within(1e-7));
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = Arithmetic.class,
      names = {"FLOAT32", "BFLOAT16_PRODUCTS"})
  void aResumedWarmUpEqualsOneThatWasNotInterrupted(Arithmetic arithmetic) throws IOException {
    Path file = folder.resolve("checkpoint.safetensors");
    try (TrainableDecoder whole = fresh(arithmetic, OPTIMIZER);
        TrainableDecoder resumed =
            TrainableDecoder.create(
                TinyModels.CONFIG,
                arithmetic,
                TrainingOptions.of(OPTIMIZER).withCritic(),
                new SplittableRandom(99))) {
      learnReturns(whole);
      learnReturns(whole);
      whole.saveCheckpoint(file, Map.of());
      resumed.restoreCheckpoint(file);
      assertThat(resumed.optimizer().criticSteps()).isEqualTo(2);
      for (TrainableDecoder each : List.of(whole, resumed)) {
        learnReturns(each);
        each.forwardBackward(GROUPS, LossesByHand::likelier);
        each.optimizerStep(1e-2);
        learnReturns(each);
      }
      assertThat(doubles(resumed.weights().flat())).isEqualTo(doubles(whole.weights().flat()));
      assertThat(resumed.scores(GROUPS)).isEqualTo(whole.scores(GROUPS));
      assertThat(resumed.steps()).isEqualTo(1);
    }
  }

  @Test
  void withoutACriticThereIsNoneToStep() {
    try (TrainableDecoder plain = TinyModels.trainable(TinyModels.CONFIG, Arithmetic.FLOAT32)) {
      assertThatThrownBy(() -> plain.criticStep(0.1))
          .isInstanceOf(IllegalStateException.class)
          .hasMessage("critic: there is none");
    }
  }

  private static TrainableDecoder fresh(Arithmetic arithmetic, OptimizerOptions options) {
    TorchRuntime.setThreads(1);
    return TrainableDecoder.create(
        TinyModels.CONFIG,
        arithmetic,
        TrainingOptions.of(options).withCritic(),
        new SplittableRandom(7));
  }

  /** Takes a step of the critic on the mean square of V less 1; returns it. */
  private static double learnReturns(TrainableDecoder decoder) {
    double loss = collectReturns(decoder);
    decoder.criticStep(1e-2);
    return loss;
  }

  private static double collectReturns(TrainableDecoder decoder) {
    ReturnsOfOne returns = new ReturnsOfOne(GROUPS, 0);
    decoder.forwardBackward(GROUPS, returns);
    return returns.loss();
  }

  private static void setGradient(TrainableDecoder decoder, int at, double gradient) {
    try (PointerScope scope = new PointerScope();
        NoGradGuard off = new NoGradGuard()) {
      decoder.weights().flatGradients().narrow(0, at, 1).fill_(new Scalar(gradient));
    }
  }

  /** All numbers but the critic's. */
  private static double[] policy(Tensor flat) {
    double[] all = doubles(flat);
    return Arrays.copyOf(all, all.length - WIDTH - 1);
  }
}
