package io.ballast.inference.torch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import io.ballast.inference.api.PerToken;
import io.ballast.inference.api.TokenIds;
import io.ballast.inference.store.WeightType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Each family computes what plain loops compute, is trained by its true gradient, and is saved. */
class DecoderFamiliesTest {
  private static final int[] TOKENS = {1, 17, 39, 4, 4, 23, 8, 30, 11, 0, 25, 6};

  @TempDir private Path folder;

  static Stream<DecoderConfig> shapes() {
    DecoderConfig llama = FamilyFolders.config(DecoderFamily.LLAMA);
    DecoderConfig qwen3 = FamilyFolders.config(DecoderFamily.QWEN3);
    return Stream.concat(
        Stream.of(DecoderFamily.values()).map(FamilyFolders::config),
        Stream.of(
            FamilyFolders.biasedLlama(),
            FamilyFolders.withRope(llama, new RopeScaling.Linear(4)),
            FamilyFolders.withRope(llama, new RopeScaling.DynamicNtk(4)),
            // waves of 6.3 and 628 tokens: one is kept, one divided
            FamilyFolders.withRope(llama, new RopeScaling.Llama3(8, 1, 4, 32)),
            // waves of 6.3, 63, 628 and 6283: the third is blended
            FamilyFolders.withRope(qwen3, new RopeScaling.Llama3(8, 0.01, 0.2, 64)),
            FamilyFolders.withRope(qwen3, new RopeScaling.Yarn(4, 256, 32, 1, 1.14, true))));
  }

  @ParameterizedTest
  @MethodSource("shapes")
  void theLogitsAreThoseOfPlainLoops(DecoderConfig config) throws IOException {
    FamilyFolders.write(folder, config, 5);
    double[][] expected = new ReferenceDecoder(config, folder).logits(TOKENS);
    try (TrainableDecoder decoder =
        TrainableDecoder.load(folder, Arithmetic.FLOAT64, OptimizerOptions.pretraining())) {
      double[] logits = logits(decoder);
      for (int t = 0; t < TOKENS.length; t++) {
        for (int v = 0; v < config.vocabularySize(); v++) {
          assertThat(logits[t * config.vocabularySize() + v])
              .as("token %s, id %s", t, v)
              .isCloseTo(expected[t][v], within(1e-9));
        }
      }
    }
  }

  private static double[] logits(TrainableDecoder decoder) {
    DecoderNetwork network = decoder.weights().network();
    long[] ids = Arrays.stream(TOKENS).asLongStream().toArray();
    try (RotaryTable rotary = new RotaryTable(decoder.config(), decoder.weights().fullType());
        PointerScope scope = new PointerScope()) {
      Tensor residual =
          network.hidden(
              Tensors.of(ids, 1, ids.length),
              rotary.first(ids.length),
              DecoderNetwork.withoutMemory(null));
      Tensor input = network.normalized(residual.view(-1, decoder.config().hiddenSize()));
      return Tensors.doubles(torch.linear(input, network.head()));
    }
  }

  @ParameterizedTest
  @MethodSource("shapes")
  void theGradientIsThatOfFiniteDifferences(DecoderConfig config) throws IOException {
    FamilyFolders.write(folder, config, 6);
    TokenIds tokens = TokenIds.of(TOKENS);
    int predicted = TOKENS.length - 1;
    CompletionGroup group =
        new CompletionGroup(tokens.slice(0, 1), List.of(tokens.slice(1, TOKENS.length)));
    try (TrainableDecoder decoder =
        TrainableDecoder.load(folder, Arithmetic.FLOAT64, OptimizerOptions.pretraining())) {
      decoder.forwardBackward(
          List.of(group), (index, scores) -> TokenGradients.ofLogProbs(List.of(ones(predicted))));
      double[] gradient = Tensors.doubles(decoder.weights().flatGradients());
      SplittableRandom random = new SplittableRandom(3);
      ParameterLayout layout = decoder.weights().layout();
      for (ParameterLayout.Parameter parameter : layout.parameters()) {
        long at = parameter.offset() + random.nextLong(parameter.size());
        double step = 1e-5;
        double difference =
            predicted * (loss(decoder, at, -step) - loss(decoder, at, step)) / (2 * step);
        assertThat(gradient[(int) at])
            .as("%s", parameter.name())
            .isCloseTo(difference, within(1e-7));
      }
    }
  }

  private static PerToken ones(int count) {
    float[] ones = new float[count];
    Arrays.fill(ones, 1);
    return PerToken.of(ones);
  }

  /** The mean loss with one weight moved by {@code step}. */
  private static double loss(TrainableDecoder decoder, long at, double step) {
    move(decoder, at, step);
    double loss = decoder.meanLoss(new int[][] {TOKENS});
    move(decoder, at, -step);
    return loss;
  }

  private static void move(TrainableDecoder decoder, long at, double step) {
    try (PointerScope scope = new PointerScope();
        NoGradGuard off = new NoGradGuard()) {
      decoder.weights().flat().narrow(0, at, 1).add_(new Scalar(step));
    }
  }

  @ParameterizedTest
  @MethodSource("shapes")
  void aConfigComesBackAsItWasWritten(DecoderConfig config) throws IOException {
    config.write(folder, WeightType.FLOAT32);
    assertThat(DecoderConfig.read(folder)).isEqualTo(config);
  }

  @ParameterizedTest
  @EnumSource(DecoderFamily.class)
  void savedWeightsAreTheSameModel(DecoderFamily family) throws IOException {
    DecoderConfig config = FamilyFolders.config(family);
    FamilyFolders.write(folder.resolve("a"), config, 9);
    Path tokenizer = Files.writeString(folder.resolve("tokenizer.json"), "{}");
    try (TrainableDecoder decoder =
        TrainableDecoder.load(
            folder.resolve("a"), Arithmetic.FLOAT32, OptimizerOptions.pretraining())) {
      decoder.save(folder.resolve("b"), WeightType.FLOAT32, tokenizer, Map.of());
    }
    double[][] before = new ReferenceDecoder(config, folder.resolve("a")).logits(TOKENS);
    double[][] after = new ReferenceDecoder(config, folder.resolve("b")).logits(TOKENS);
    assertThat(after).isDeepEqualTo(before);
  }

  @ParameterizedTest
  @EnumSource(DecoderFamily.class)
  void freshWeightsPredictAllTokensAlike(DecoderFamily family) {
    DecoderConfig config = FamilyFolders.config(family);
    try (TrainableDecoder decoder = TinyModels.trainable(config, Arithmetic.FLOAT32)) {
      assertThat(decoder.meanLoss(new int[][] {TOKENS}))
          .isCloseTo(Math.log(config.vocabularySize()), within(0.3));
    }
  }

  private void edit(DecoderConfig config, Consumer<ObjectNode> change) throws IOException {
    config.write(folder, WeightType.FLOAT32);
    ObjectMapper mapper = new ObjectMapper();
    Path file = folder.resolve("config.json");
    ObjectNode json = (ObjectNode) mapper.readTree(file.toFile());
    change.accept(json);
    mapper.writeValue(file.toFile(), json);
  }

  private void assertRefused(DecoderFamily family, Consumer<ObjectNode> change, String message)
      throws IOException {
    edit(FamilyFolders.config(family), change);
    assertThatThrownBy(() -> DecoderConfig.read(folder))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining(message)
        .extracting(e -> ((ModelException) e).reason())
        .isEqualTo(Reason.INVALID_FOLDER);
  }

  @Test
  void anUnknownArchitectureIsRefusedWithTheKnownOnes() throws IOException {
    assertRefused(
        DecoderFamily.LLAMA,
        json -> json.put("model_type", "falcon"),
        "config.json: model_type: falcon (expected: one of [llama, mistral, qwen2, qwen3, gemma])");
  }

  @Test
  void anUnknownRopeAndActivationAreRefusedWithTheKnownOnes() throws IOException {
    assertRefused(
        DecoderFamily.LLAMA,
        json -> json.putObject("rope_scaling").put("type", "longrope"),
        "rope_scaling: type longrope (expected: one of [default, linear, dynamic, llama3, yarn])");
    assertRefused(
        DecoderFamily.LLAMA,
        json -> json.put("hidden_act", "relu"),
        "hidden_act: relu (expected: one of [silu, gelu_pytorch_tanh, gelu])");
    assertRefused(
        DecoderFamily.LLAMA,
        json -> json.putObject("rope_scaling").put("type", "linear").put("factor", 0.5),
        "rope factor: 0.5 (expected: ≥ 1)");
    assertRefused(DecoderFamily.LLAMA, json -> json.put("mlp_bias", true), "mlp_bias: true");
    assertRefused(
        DecoderFamily.QWEN3, json -> json.put("head_dim", 7), "head_dim: 7 (expected: even)");
  }

  @Test
  void theContextEndsWhereAWindowWouldCut() throws IOException {
    edit(FamilyFolders.config(DecoderFamily.MISTRAL), json -> json.put("sliding_window", 8));
    assertThat(DecoderConfig.read(folder).contextTokens()).isEqualTo(8);
    edit(FamilyFolders.config(DecoderFamily.QWEN2), json -> json.put("sliding_window", 8));
    assertThat(DecoderConfig.read(folder).contextTokens()).isEqualTo(32);
  }

  @Test
  void allIdsThatEndATextAreRead() throws IOException {
    edit(
        FamilyFolders.config(DecoderFamily.QWEN2),
        json -> json.putArray("eos_token_id").add(5).add(6));
    Files.writeString(folder.resolve("generation_config.json"), "{\"eos_token_id\":[6,7]}");
    assertThat(DecoderConfig.read(folder).endOfTextIds()).containsExactly(5, 6, 7);
    edit(FamilyFolders.config(DecoderFamily.QWEN2), json -> json.remove("eos_token_id"));
    assertThat(DecoderConfig.read(folder).endOfTextIds()).containsExactly(6, 7);
    Files.delete(folder.resolve("generation_config.json"));
    assertRefused(DecoderFamily.QWEN2, json -> json.remove("eos_token_id"), "eos_token_id: absent");
  }

  @Test
  void transformersFiveWritesItsRopeElsewhere() throws IOException {
    edit(
        FamilyFolders.config(DecoderFamily.LLAMA),
        json -> {
          json.remove("rope_theta");
          json.putObject("rope_parameters")
              .put("rope_theta", 500_000)
              .put("rope_type", "llama3")
              .put("factor", 32)
              .put("low_freq_factor", 1)
              .put("high_freq_factor", 4)
              .put("original_max_position_embeddings", 8192);
        });
    DecoderConfig config = DecoderConfig.read(folder);
    assertThat(config.ropeTheta()).isEqualTo(500_000);
    assertThat(config.ropeScaling()).isEqualTo(new RopeScaling.Llama3(32, 1, 4, 8192));
  }

  @Test
  void yarnWithoutATemperatureUsesThePapers() throws IOException {
    edit(
        FamilyFolders.config(DecoderFamily.QWEN2),
        json ->
            json.putObject("rope_scaling")
                .put("type", "yarn")
                .put("factor", 4)
                .put("original_max_position_embeddings", 32768));
    // 0.1 · ln 4 + 1
    assertThat(DecoderConfig.read(folder).ropeScaling().attentionFactor())
        .isCloseTo(1.138629436, within(1e-9));
  }
}
