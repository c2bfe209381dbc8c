package io.ballast.inference.torch;

import static io.ballast.inference.torch.TensorNumbers.doubles;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import io.ballast.inference.api.PerToken;
import io.ballast.inference.api.TokenIds;
import io.ballast.inference.store.WeightFiles;
import io.ballast.inference.store.WeightType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
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

/** A critic on the trunk values every prefix, learns with the policy, and stays at home. */
class ValueHeadTest {
  private static final CompletionGroup THREE =
      new CompletionGroup(
          TokenIds.of(3, 17, 5, 9),
          List.of(TokenIds.of(1, 2, 3, 4, 5), TokenIds.of(30), TokenIds.of(8, 8, 0)));
  private static final CompletionGroup TWO =
      new CompletionGroup(TokenIds.of(11), List.of(TokenIds.of(), TokenIds.of(7, 6)));
  private static final List<CompletionGroup> GROUPS = List.of(THREE, TWO);
  private static final TrainingOptions WITH_CRITIC =
      TrainingOptions.of(OptimizerOptions.pretraining()).withCritic();

  @TempDir private Path folder;

  @Test
  void atFirstEveryValueIsZeroAndTheRestIsAsWithoutACritic() {
    try (TrainableDecoder plain = TinyModels.trainable(TinyModels.CONFIG, Arithmetic.FLOAT32);
        TrainableDecoder decoder = fresh(Arithmetic.FLOAT32)) {
      List<GroupScores> without = plain.scores(GROUPS);
      List<GroupScores> with = decoder.scores(GROUPS);
      for (int i = 0; i < GROUPS.size(); i++) {
        assertThat(without.get(i).values()).isEmpty();
        assertThat(with.get(i).logProbs()).isEqualTo(without.get(i).logProbs());
        assertThat(with.get(i).entropies()).isEqualTo(without.get(i).entropies());
        for (int g = 0; g < GROUPS.get(i).size(); g++) {
          int tokens = GROUPS.get(i).completions().get(g).size();
          assertThat(with.get(i).values().get(g)).isEqualTo(PerToken.of(new float[tokens]));
        }
      }
    }
  }

  @Test
  void aValueIsThatOfThePrefixBeforeTheToken() {
    try (TrainableDecoder decoder = fresh(Arithmetic.FLOAT64)) {
      setCritic(decoder);
      for (int i = 0; i < GROUPS.size(); i++) {
        CompletionGroup group = GROUPS.get(i);
        for (int g = 0; g < group.size(); g++) {
          TokenIds completion = group.completions().get(g);
          PerToken values = decoder.scores(GROUPS).get(i).values().get(g);
          for (int t = 0; t < completion.size(); t++) {
            double[] prefix = values(decoder, prefix(group.prompt(), completion, t));
            assertThat((double) values.get(t)).isCloseTo(prefix[prefix.length - 1], within(1e-5));
          }
        }
      }
    }
  }

  @Test
  void gradientsOfTrunkAndCriticAgreeWithCentralDifferences() {
    TokenIds prompt = TokenIds.of(3, 17, 5);
    TokenIds completion = TokenIds.of(7, 6, 30, 2);
    float[] u = {0.5f, -1, 0.25f, 2};
    CompletionGroup group = new CompletionGroup(prompt, List.of(completion));
    try (TrainableDecoder decoder = fresh(Arithmetic.FLOAT64)) {
      setCritic(decoder);
      decoder.forwardBackward(List.of(group), (index, scores) -> byValues(List.of(u)));
      double[] gradients = doubles(decoder.weights().flatGradients());
      int[] row = prefix(prompt, completion, completion.size() - 1);
      int critic = (int) decoder.weights().layout().decoderSize();
      double step = 1e-5;
      double trunk = 0;
      for (int at = 3; at < gradients.length; at += at < critic - 97 ? 97 : 1) {
        shift(decoder, at, step);
        double up = weighed(values(decoder, row), u);
        shift(decoder, at, -2 * step);
        double down = weighed(values(decoder, row), u);
        shift(decoder, at, step);
        assertThat(gradients[at])
            .as("weight %d", at)
            .isCloseTo(
                (up - down) / (2 * step), within(1e-7 * Math.max(1, Math.abs(gradients[at]))));
        trunk += at < critic ? Math.abs(gradients[at]) : 0;
      }
      assertThat(trunk).isGreaterThan(0.1);
      // ∂ Σ u·(w·h + b) / ∂b = Σ u = 0.5 − 1 + 0.25 + 2
      assertThat(gradients[gradients.length - 1]).isEqualTo(1.75);
    }
  }

  @Test
  void derivativesOfAllKindsAddUp() {
    try (TrainableDecoder decoder = fresh(Arithmetic.FLOAT64)) {
      setCritic(decoder);
      TokenGradients policy =
          new TokenGradients(
              List.of(PerToken.of(), PerToken.of(1, -2)),
              List.of(PerToken.of(), PerToken.of(0.5f, 0.25f)));
      TokenGradients both =
          new TokenGradients(
              policy.byLogProbs(), policy.byEntropies(), List.of(PerToken.of(), PerToken.of(3, 4)));
      decoder.forwardBackward(List.of(TWO), (index, scores) -> policy);
      decoder.forwardBackward(
          List.of(TWO), (index, scores) -> byValues(List.of(new float[0], new float[] {3, 4})));
      double[] apart = doubles(decoder.weights().flatGradients());
      decoder.clearGradients();
      decoder.forwardBackward(List.of(TWO), (index, scores) -> both);
      assertThat(doubles(decoder.weights().flatGradients())).containsExactly(apart, within(1e-12));
    }
  }

  @ParameterizedTest
  @EnumSource(Arithmetic.class)
  void itLearnsReturns(Arithmetic arithmetic) {
    try (TrainableDecoder decoder = fresh(arithmetic)) {
      double first = regress(decoder, 1);
      double last = regress(decoder, 150);
      assertThat(first).isGreaterThan(0.3);
      assertThat(last).isLessThan(0.01);
    }
  }

  @Test
  void withoutDerivativesByValuesTheUpdateIsThatWithoutACritic() {
    try (TrainableDecoder plain = TinyModels.trainable(TinyModels.CONFIG, Arithmetic.FLOAT32);
        TrainableDecoder decoder = fresh(Arithmetic.FLOAT32)) {
      for (TrainableDecoder each : List.of(plain, decoder)) {
        each.forwardBackward(
            List.of(TWO),
            (index, scores) ->
                TokenGradients.ofLogProbs(List.of(PerToken.of(), PerToken.of(1, -2))));
        each.optimizerStep(1e-2);
      }
      double[] updated = doubles(decoder.weights().flat());
      int size = (int) decoder.weights().layout().decoderSize();
      assertThat(Arrays.copyOf(updated, size))
          .containsExactly(doubles(plain.weights().flat()), within(1e-7));
      assertThat(Arrays.copyOfRange(updated, size, updated.length))
          .containsOnly(0.0)
          .hasSize(TinyModels.CONFIG.hiddenSize() + 1);
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = Arithmetic.class,
      names = {"FLOAT32", "BFLOAT16_PRODUCTS"})
  void resumedTrainingEqualsUninterruptedTraining(Arithmetic arithmetic) throws IOException {
    Path file = folder.resolve("checkpoint.safetensors");
    try (TrainableDecoder whole = fresh(arithmetic);
        TrainableDecoder resumed =
            TrainableDecoder.create(
                TinyModels.CONFIG, arithmetic, WITH_CRITIC, new SplittableRandom(99))) {
      regress(whole, 3);
      whole.saveCheckpoint(file, Map.of());
      resumed.restoreCheckpoint(file);
      assertThat(regress(resumed, 3)).isEqualTo(regress(whole, 3));
      assertThat(resumed.scores(GROUPS)).isEqualTo(whole.scores(GROUPS));
      assertThat(doubles(resumed.weights().flat())).isEqualTo(doubles(whole.weights().flat()));
    }
  }

  @Test
  void aCheckpointWithACriticIsNotOneWithout() throws IOException {
    Path with = folder.resolve("with.safetensors");
    Path without = folder.resolve("without.safetensors");
    try (TrainableDecoder plain = TinyModels.trainable(TinyModels.CONFIG, Arithmetic.FLOAT32);
        TrainableDecoder decoder = fresh(Arithmetic.FLOAT32)) {
      regress(decoder, 1);
      List<GroupScores> before = decoder.scores(GROUPS);
      decoder.saveCheckpoint(with, Map.of());
      plain.saveCheckpoint(without, Map.of());
      assertRefused(plain, with, ": critic: true (expected: absent)");
      assertRefused(decoder, without, ": critic: absent (expected: true)");
      assertThat(decoder.scores(GROUPS)).isEqualTo(before);
    }
  }

  private static void assertRefused(TrainableDecoder decoder, Path file, String message) {
    assertThatThrownBy(() -> decoder.restoreCheckpoint(file))
        .isInstanceOfSatisfying(
            ModelException.class, e -> assertThat(e.reason()).isEqualTo(Reason.INVALID_FOLDER))
        .hasMessage(file + message);
  }

  @Test
  void whatIsSavedIsTheDecoderAlone() throws IOException {
    Path tokenizer = Files.writeString(folder.resolve("a-tokenizer.json"), "{}");
    Path saved = folder.resolve("model");
    try (TrainableDecoder decoder = fresh(Arithmetic.FLOAT32)) {
      regress(decoder, 3);
      decoder.save(saved, WeightType.FLOAT32, tokenizer, Map.of());
      assertThat(WeightFiles.open(saved).names())
          .isEqualTo(TinyModels.CONFIG.weightShapes().keySet());
      try (FrozenDecoder loaded = FrozenDecoder.load(saved, Arithmetic.FLOAT32);
          WeightsSnapshot snapshot = decoder.snapshot();
          TrainableDecoder other = TinyModels.trainable(TinyModels.CONFIG, Arithmetic.FLOAT32)) {
        snapshot.copyTo(other.weights());
        assertThat(other.scores(GROUPS)).isEqualTo(loaded.scores(GROUPS));
        List<GroupScores> own = decoder.scores(GROUPS);
        for (int i = 0; i < GROUPS.size(); i++) {
          assertThat(loaded.scores(GROUPS).get(i).logProbs()).isEqualTo(own.get(i).logProbs());
        }
      }
    }
  }

  @Test
  void derivativesByValuesNeedACriticAndAreNamed() {
    try (TrainableDecoder plain = TinyModels.trainable(TinyModels.CONFIG, Arithmetic.FLOAT32);
        TrainableDecoder decoder = fresh(Arithmetic.FLOAT32)) {
      TokenGradients given = byValues(List.of(new float[0], new float[] {3, 4}));
      assertThatThrownBy(() -> plain.forwardBackward(List.of(TWO), (index, scores) -> given))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage(
              "gradients[0].byValues: of 2 completions (expected: none, the decoder has no critic)");
      TokenGradients broken = byValues(List.of(new float[0], new float[] {3, Float.NaN}));
      assertThatThrownBy(() -> decoder.forwardBackward(List.of(TWO), (index, scores) -> broken))
          .hasMessage("gradients[0].byValues[1][1]: NaN (expected: finite)");
      assertThat(decoder.optimizerStep(0)).isZero();
    }
  }

  private static TrainableDecoder fresh(Arithmetic arithmetic) {
    TorchRuntime.setThreads(1);
    return TrainableDecoder.create(
        TinyModels.CONFIG, arithmetic, WITH_CRITIC, new SplittableRandom(7));
  }

  /** Takes steps on the mean square of V less the return 1 − 0.3·t; returns the last one's. */
  private static double regress(TrainableDecoder decoder, int steps) {
    double[] loss = new double[1];
    for (int i = 0; i < steps; i++) {
      loss[0] = 0;
      decoder.forwardBackward(
          GROUPS,
          (index, scores) -> {
            List<float[]> u = new ArrayList<>();
            for (int g = 0; g < scores.values().size(); g++) {
              float[] ofCompletion = new float[scores.values().get(g).size()];
              for (int t = 0; t < ofCompletion.length; t++) {
                double error = scores.values().get(g).get(t) - (1 - 0.3 * t);
                loss[0] += error * error / 11;
                ofCompletion[t] = (float) (2 * error / 11);
              }
              u.add(ofCompletion);
            }
            return byValues(u);
          });
      decoder.optimizerStep(1e-2);
    }
    return loss[0];
  }

  private static TokenGradients byValues(List<float[]> u) {
    List<PerToken> zeros = u.stream().map(of -> PerToken.of(new float[of.length])).toList();
    return new TokenGradients(zeros, List.of(), u.stream().map(PerToken::of).toList());
  }

  /** Weights of about 1, all different, and a bias. */
  private static void setCritic(TrainableDecoder decoder) {
    int first = (int) decoder.weights().layout().decoderSize();
    for (int d = 0; d <= TinyModels.CONFIG.hiddenSize(); d++) {
      shift(decoder, first + d, Math.sin(1 + d));
    }
  }

  /** The values after each token of a row, computed without packing. */
  private static double[] values(TrainableDecoder decoder, int[] row) {
    TrainedWeights weights = decoder.weights();
    long[] ids = Arrays.stream(row).asLongStream().toArray();
    try (PointerScope scope = new PointerScope();
        NoGradGuard off = new NoGradGuard();
        RotaryTable rotary = new RotaryTable(decoder.config(), weights.fullType())) {
      DecoderNetwork network = weights.network();
      Tensor hidden =
          network.hidden(
              Tensors.of(ids, 1, ids.length),
              rotary.first(ids.length),
              DecoderNetwork.withoutMemory(null));
      double[] states =
          Tensors.doubles(network.normalized(hidden.view(-1, decoder.config().hiddenSize())));
      double[] all = doubles(weights.flat());
      int width = decoder.config().hiddenSize();
      int critic = (int) weights.layout().decoderSize();
      double[] values = new double[ids.length];
      for (int t = 0; t < values.length; t++) {
        values[t] = all[critic + width];
        for (int d = 0; d < width; d++) {
          values[t] += all[critic + d] * states[t * width + d];
        }
      }
      return values;
    }
  }

  private static double weighed(double[] values, float[] u) {
    double sum = 0;
    for (int t = 0; t < u.length; t++) {
      sum += u[t] * values[values.length - u.length + t];
    }
    return sum;
  }

  /** The prompt and the tokens before the one at {@code t}. */
  private static int[] prefix(TokenIds prompt, TokenIds completion, int t) {
    int[] row = Arrays.copyOf(prompt.toArray(), prompt.size() + t);
    for (int i = 0; i < t; i++) {
      row[prompt.size() + i] = completion.get(i);
    }
    return row;
  }

  private static void shift(TrainableDecoder decoder, int at, double change) {
    try (PointerScope scope = new PointerScope();
        NoGradGuard off = new NoGradGuard()) {
      decoder.weights().flat().narrow(0, at, 1).add_(new Scalar(change));
      decoder.weights().changed();
    }
  }
}
