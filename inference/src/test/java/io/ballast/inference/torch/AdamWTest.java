package io.ballast.inference.torch;

import static io.ballast.inference.torch.TensorNumbers.doubles;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.ballast.inference.api.PerToken;
import io.ballast.inference.api.TokenIds;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.Test;

/** A step is that of the paper, on the gradient clipped by its global norm. */
class AdamWTest {
  private static final double MAX_NORM = 0.25;

  @Test
  void theNormIsReportedBeforeClippingAndTheStepTakenAfterIt() {
    try (TrainableDecoder clipped = decoder(MAX_NORM);
        TrainableDecoder free = decoder(Double.POSITIVE_INFINITY)) {
      collect(free, 1);
      double norm = norm(free.weights().flatGradients());
      assertThat(norm).isGreaterThan(2 * MAX_NORM);
      double reported = free.optimizerStep(1e-3);
      assertThat(reported).isCloseTo(norm, within(1e-12 * norm));
      collect(clipped, 1);
      assertThat(clipped.optimizerStep(1e-3)).isEqualTo(reported);
      // m = (1 − β₁)·g with ‖g‖ as it is, and scaled down to 0.25
      assertThat(norm(free.optimizer().firstMoment())).isCloseTo(0.1 * norm, within(1e-12 * norm));
      assertThat(norm(clipped.optimizer().firstMoment())).isCloseTo(0.1 * MAX_NORM, within(1e-6));
    }
  }

  @Test
  void aGradientWithinTheNormIsNotClipped() {
    try (TrainableDecoder clipped = decoder(MAX_NORM);
        TrainableDecoder free = decoder(Double.POSITIVE_INFINITY)) {
      collect(free, 1e-4f);
      collect(clipped, 1e-4f);
      assertThat(clipped.optimizerStep(1e-3)).isEqualTo(free.optimizerStep(1e-3)).isPositive();
      assertThat(doubles(clipped.weights().flat())).isEqualTo(doubles(free.weights().flat()));
    }
  }

  @Test
  void twoStepsByHand() {
    // one vector's weight θ = 1 with g = 2, then g = −1; no decay of vectors, η = 0.1, ε = 1e-8:
    // m = 0.2, v = 0.2 → m̂ = 2, v̂ = 4 → θ = 1 − 0.1·2/2 = 0.9
    // m = 0.08, v = 0.24 → m̂ = 0.08/0.19, v̂ = 0.24/0.0975 → θ = 0.9 − 0.1·0.26837…
    try (TrainableDecoder decoder = decoder(Double.POSITIVE_INFINITY)) {
      int at = (int) decoder.weights().layout().finalNorm().offset();
      setGradient(decoder, at, 2);
      decoder.optimizerStep(0.1);
      assertThat(doubles(decoder.weights().flat())[at]).isCloseTo(0.9, within(1e-8));
      setGradient(decoder, at, -1);
      decoder.optimizerStep(0.1);
      double step = 0.1 * (0.08 / 0.19) / Math.sqrt(0.24 / 0.0975);
      assertThat(doubles(decoder.weights().flat())[at]).isCloseTo(0.9 - step, within(1e-8));
    }
  }

  @Test
  void matricesDecayBeforeTheStepByRateTimesDecayAndVectorsDoNot() {
    // g = 0, so that θ ← θ − ηλθ is the whole step: θ·(1 − 0.1·0.5)
    try (TrainableDecoder decoder = decoder(Double.POSITIVE_INFINITY, 0.5)) {
      double[] before = doubles(decoder.weights().flat());
      decoder.optimizerStep(0.1);
      double[] after = doubles(decoder.weights().flat());
      int matrices = (int) decoder.weights().layout().matrixSize();
      for (int i = 0; i < matrices; i++) {
        assertThat(after[i]).isCloseTo(0.95 * before[i], within(1e-15));
      }
      assertThat(Arrays.copyOfRange(after, matrices, after.length))
          .isEqualTo(Arrays.copyOfRange(before, matrices, before.length))
          .contains(1.0); // norms
    }
  }

  @Test
  void decayIsDecoupledFromTheGradient() {
    // one matrix's weight with g = 2 at the first step: m̂/√v̂ = 1, so θ ← 0.95·θ − 0.1
    try (TrainableDecoder decoder = decoder(Double.POSITIVE_INFINITY, 0.5)) {
      double before = doubles(decoder.weights().flat())[3];
      setGradient(decoder, 3, 2);
      decoder.optimizerStep(0.1);
      assertThat(doubles(decoder.weights().flat())[3]).isCloseTo(0.95 * before - 0.1, within(1e-8));
      // an L2 penalty would be in the moments: m = (1 − β₁)·g alone
      assertThat(doubles(decoder.optimizer().firstMoment())[3]).isCloseTo(0.2, within(1e-15));
      assertThat(doubles(decoder.optimizer().firstMoment())[4]).isZero();
    }
  }

  @Test
  void allNumbersOfAModelTakeTheirOwnStepHoweverManyThereAre() {
    // at the first step m̂ = g and √v̂ = |g|, so θ ← θ − 0.1·0.5·θ (matrices) − 0.1·g/(|g| + ε)
    DecoderConfig config = new DecoderConfig(64, 160, 2, 4, 2, 300, 32, 1e-5, 10_000, true, 0, 0);
    try (TrainableDecoder decoder = decoder(config, Double.POSITIVE_INFINITY, 0.5)) {
      double[] before = doubles(decoder.weights().flat());
      int matrices = (int) decoder.weights().layout().matrixSize();
      assertThat(before.length).isGreaterThan(100_000);
      double[] gradient = new double[before.length];
      for (int i = 0; i < gradient.length; i++) {
        gradient[i] = (i % 3 - 1) * (1 + i % 1_009); // 0 in a third of the places
      }
      setGradients(decoder, gradient);

      decoder.optimizerStep(0.1);

      double[] after = doubles(decoder.weights().flat());
      double[] first = doubles(decoder.optimizer().firstMoment());
      double[] second = doubles(decoder.optimizer().secondMoment());
      double worst = 0;
      for (int i = 0; i < gradient.length; i++) {
        double g = gradient[i];
        double kept = i < matrices ? 0.95 * before[i] : before[i];
        worst = Math.max(worst, Math.abs(after[i] - kept + 0.1 * g / (Math.abs(g) + 1e-8)));
        worst = Math.max(worst, Math.abs(first[i] - 0.1 * g));
        worst = Math.max(worst, Math.abs(second[i] - 0.05 * g * g) / Math.max(1, g * g));
      }
      assertThat(worst).isLessThan(1e-9);
    }
  }

  private static void setGradients(TrainableDecoder decoder, double[] gradients) {
    try (PointerScope scope = new PointerScope();
        NoGradGuard off = new NoGradGuard()) {
      decoder.weights().flatGradients().copy_(Tensors.of(gradients, gradients.length));
    }
  }

  private static TrainableDecoder decoder(double maxNorm) {
    return decoder(maxNorm, 0);
  }

  private static TrainableDecoder decoder(double maxNorm, double weightDecay) {
    return decoder(TinyModels.CONFIG, maxNorm, weightDecay);
  }

  private static TrainableDecoder decoder(
      DecoderConfig config, double maxNorm, double weightDecay) {
    TorchRuntime.setThreads(1);
    return TrainableDecoder.create(
        config,
        Arithmetic.FLOAT64,
        new OptimizerOptions(0.9, 0.95, 1e-8, weightDecay, maxNorm),
        new SplittableRandom(7));
  }

  private static void collect(TrainableDecoder decoder, float scale) {
    CompletionGroup group = new CompletionGroup(TokenIds.of(11), List.of(TokenIds.of(7, 6)));
    decoder.forwardBackward(
        List.of(group),
        (index, scores) -> TokenGradients.ofLogProbs(List.of(PerToken.of(-scale, 2 * scale))));
  }

  private static void setGradient(TrainableDecoder decoder, int at, double gradient) {
    try (PointerScope scope = new PointerScope();
        NoGradGuard off = new NoGradGuard()) {
      decoder.weights().flatGradients().narrow(0, at, 1).fill_(new Scalar(gradient));
    }
  }

  private static double norm(Tensor tensor) {
    double sum = 0;
    for (double value : doubles(tensor)) {
      sum += value * value;
    }
    return Math.sqrt(sum);
  }
}
