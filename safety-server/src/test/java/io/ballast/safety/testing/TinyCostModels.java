package io.ballast.safety.testing;

import io.ballast.inference.onnx.Calibration;
import io.ballast.inference.onnx.HeadActivation;
import io.ballast.inference.onnx.Normalization;
import io.ballast.inference.onnx.ScoringFeature;
import io.ballast.inference.onnx.ScoringHeads;
import io.ballast.inference.onnx.ScoringHeads.Head;
import io.ballast.inference.onnx.ScoringKind;
import io.ballast.inference.onnx.ScoringModel;
import io.ballast.inference.onnx.ScoringModelFolder;
import io.ballast.inference.onnx.ScoringSpec;
import io.ballast.inference.onnx.TrunkReference;
import io.ballast.inference.store.ModelManifest;
import io.ballast.inference.store.SafetensorsFile;
import io.ballast.inference.store.SafetensorsFile.Content;
import io.ballast.inference.store.WeightType;
import io.ballast.inference.torch.DecoderConfig;
import io.ballast.testing.ByteTokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;

/** Real folders of seeded random weights: a trunk with a tokenizer of bytes, and heads on it. */
public final class TinyCostModels {
  private static final DecoderConfig SHAPE =
      new DecoderConfig(16, 24, 1, 4, 2, ByteTokenizer.VOCABULARY, 32, 1e-5, 10_000, true, 0, 0);

  private TinyCostModels() {}

  /** Writes a decoder {@code tiny/1} and returns its folder. */
  public static Path trunk(Path root) throws IOException {
    Path folder = Files.createDirectories(root.resolve("tiny").resolve("1"));
    RandomGenerator random = new SplittableRandom(11);
    int width = SHAPE.hiddenSize();
    int keyWidth = SHAPE.keyValueHeads() * SHAPE.headSize();
    int inner = SHAPE.intermediateSize();
    String block = "model.layers.0.";
    List<Content> contents =
        List.of(
            weights(random, "model.embed_tokens.weight", SHAPE.vocabularySize(), width),
            weights(random, block + "self_attn.q_proj.weight", width, width),
            weights(random, block + "self_attn.k_proj.weight", keyWidth, width),
            weights(random, block + "self_attn.v_proj.weight", keyWidth, width),
            weights(random, block + "self_attn.o_proj.weight", width, width),
            weights(random, block + "mlp.gate_proj.weight", inner, width),
            weights(random, block + "mlp.up_proj.weight", inner, width),
            weights(random, block + "mlp.down_proj.weight", width, inner),
            weights(random, block + "input_layernorm.weight", width),
            weights(random, block + "post_attention_layernorm.weight", width),
            weights(random, "model.norm.weight", width));
    SafetensorsFile.write(folder.resolve(ModelManifest.WEIGHTS), contents, Map.of());
    SHAPE.write(folder, WeightType.FLOAT32);
    ByteTokenizer.write(folder);
    var unused = ModelManifest.write(folder, Map.of());
    return folder;
  }

  /** Writes heads {@code <name>/<version>} on the decoder {@code tiny/1}. */
  public static Path heads(
      Path root, String name, String version, ScoringKind kind, int count, long seed)
      throws IOException {
    Path folder = Files.createDirectories(root.resolve(name).resolve(version));
    RandomGenerator random = new SplittableRandom(seed);
    int width = ScoringFeature.width(ScoringFeature.all(), SHAPE.hiddenSize());
    int hidden = 4;
    List<Head> heads = new ArrayList<>();
    List<Normalization> normalizations = new ArrayList<>();
    List<Map<String, Double>> figures = new ArrayList<>();
    for (int k = 0; k < count; k++) {
      heads.add(
          new Head(
              gaussian(random, hidden * width),
              gaussian(random, hidden),
              gaussian(random, hidden),
              (float) random.nextGaussian()));
      normalizations.add(new Normalization(0, 1));
      figures.add(Map.of());
    }
    float[] std = new float[width];
    java.util.Arrays.fill(std, 1);
    String trunkSha =
        ModelManifest.read(root.resolve("tiny").resolve("1"))
            .flatMap(ModelManifest::weightsSha256)
            .orElseThrow();
    ScoringModelFolder.write(
        folder,
        new ScoringModel(
            new ScoringSpec(
                kind,
                ScoringFeature.all(),
                hidden,
                HeadActivation.TANH,
                new TrunkReference("tiny", "1", trunkSha),
                OptionalInt.empty(),
                normalizations,
                List.of(),
                new Calibration(1.5, -0.25),
                figures,
                Map.of()),
            new ScoringHeads(new float[width], std, heads)),
        Map.of());
    return folder;
  }

  private static Content weights(RandomGenerator random, String name, long... shape) {
    int size = 1;
    List<Long> sizes = new ArrayList<>();
    for (long side : shape) {
      size *= (int) side;
      sizes.add(side);
    }
    float[] values = gaussian(random, size);
    return new Content(name, WeightType.FLOAT32, sizes, () -> values);
  }

  private static float[] gaussian(RandomGenerator random, int count) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) random.nextGaussian(0, 0.3);
    }
    return values;
  }
}
