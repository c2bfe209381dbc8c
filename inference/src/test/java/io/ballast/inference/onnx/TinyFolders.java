package io.ballast.inference.onnx;

import io.ballast.inference.api.TokenIds;
import io.ballast.inference.onnx.ScoringHeads.Head;
import io.ballast.inference.store.ModelManifest;
import io.ballast.inference.store.SafetensorsFile;
import io.ballast.inference.store.SafetensorsFile.Content;
import io.ballast.inference.store.WeightType;
import io.ballast.inference.torch.DecoderConfig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;

/** Folders of seeded random weights, small enough to compute by hand-written loops. */
public final class TinyFolders {
  /** Two query heads share each key head; the language head is the embedding. */
  public static final DecoderConfig GROUPED =
      new DecoderConfig(16, 24, 2, 4, 2, 40, 32, 1e-5, 10_000, true, 0, 0);

  /** Every query head has its own key head; the language head has its own weights. */
  static final DecoderConfig UNTIED =
      new DecoderConfig(16, 24, 2, 4, 4, 40, 32, 1e-5, 10_000, false, 0, 0);

  private TinyFolders() {}

  /** Writes a decoder of random weights and returns its folder. */
  public static Path trunk(Path folder, DecoderConfig config, long seed) throws IOException {
    Files.createDirectories(folder);
    RandomGenerator random = new SplittableRandom(seed);
    int width = config.hiddenSize();
    int keyWidth = config.keyValueHeads() * config.headSize();
    int inner = config.intermediateSize();
    List<Content> contents = new ArrayList<>();
    contents.add(matrix(random, "model.embed_tokens.weight", config.vocabularySize(), width));
    if (!config.tiedHead()) {
      contents.add(matrix(random, "lm_head.weight", config.vocabularySize(), width));
    }
    for (int i = 0; i < config.layers(); i++) {
      String block = "model.layers." + i + ".";
      contents.add(matrix(random, block + "self_attn.q_proj.weight", width, width));
      contents.add(matrix(random, block + "self_attn.k_proj.weight", keyWidth, width));
      contents.add(matrix(random, block + "self_attn.v_proj.weight", keyWidth, width));
      contents.add(matrix(random, block + "self_attn.o_proj.weight", width, width));
      contents.add(matrix(random, block + "mlp.gate_proj.weight", inner, width));
      contents.add(matrix(random, block + "mlp.up_proj.weight", inner, width));
      contents.add(matrix(random, block + "mlp.down_proj.weight", width, inner));
      contents.add(gain(random, block + "input_layernorm.weight", width));
      contents.add(gain(random, block + "post_attention_layernorm.weight", width));
    }
    contents.add(gain(random, "model.norm.weight", width));
    SafetensorsFile.write(folder.resolve(ModelManifest.WEIGHTS), contents, Map.of());
    config.write(folder, WeightType.FLOAT32);
    ModelManifest.write(folder, Map.of());
    return folder;
  }

  /** Returns K heads of 8 hidden units, of random weights, for the decoder in a folder. */
  public static ScoringModel heads(
      Path trunk, ScoringKind kind, int count, HeadActivation activation, long seed) {
    return heads(trunk, kind, count, activation, 8, seed);
  }

  /**
   * Returns K heads of random weights for the decoder in a folder; linear if {@code hidden} is 0.
   */
  static ScoringModel heads(
      Path trunk, ScoringKind kind, int count, HeadActivation activation, int hidden, long seed) {
    RandomGenerator random = new SplittableRandom(seed);
    TrunkFolder decoder = TrunkFolder.open(trunk);
    int width = ScoringFeature.width(ScoringFeature.all(), decoder.config().hiddenSize());
    List<Head> heads = new ArrayList<>();
    List<Normalization> normalizations = new ArrayList<>();
    List<Map<String, Double>> figures = new ArrayList<>();
    for (int k = 0; k < count; k++) {
      heads.add(
          new Head(
              gaussian(random, hidden * width, 0, 0.3),
              gaussian(random, hidden, 0, 0.1),
              gaussian(random, hidden == 0 ? width : hidden, 0, 0.5),
              (float) random.nextGaussian()));
      normalizations.add(new Normalization(random.nextGaussian(), 0.5 + k));
      figures.add(Map.of("auc", 0.5 + k * 0.125));
    }
    float[] std = gaussian(random, width, 1, 0.1);
    return new ScoringModel(
        new ScoringSpec(
            kind,
            ScoringFeature.all(),
            hidden,
            activation,
            new TrunkReference("tiny", "1", decoder.weightsSha256()),
            OptionalInt.empty(),
            normalizations,
            List.of(),
            new Calibration(1.5, -0.25),
            figures,
            Map.of("auc", 0.75)),
        new ScoringHeads(gaussian(random, width, 0, 1), std, heads));
  }

  /**
   * Returns K members of random weights with a head for each of O objectives, which are called
   * {@code objective_0} and so on.
   *
   * @param weights shape [O]
   * @param hidden units of a head; 0: linear heads
   */
  public static ScoringModel objectives(
      Path trunk, int members, List<Double> weights, int hidden, long seed) {
    int count = weights.size();
    ScoringModel all =
        heads(
            trunk, ScoringKind.REWARD_ENSEMBLE, members * count, HeadActivation.TANH, hidden, seed);
    List<ScoringObjective> objectives = new ArrayList<>();
    for (int o = 0; o < count; o++) {
      List<Normalization> normalizations = new ArrayList<>();
      List<Map<String, Double>> figures = new ArrayList<>();
      for (int k = 0; k < members; k++) {
        normalizations.add(all.spec().normalizations().get(k * count + o));
        figures.add(Map.of("auc", 0.5 + k * 0.125));
      }
      objectives.add(
          new ScoringObjective(
              "objective_" + o,
              weights.get(o),
              normalizations,
              List.of(),
              o == 0 ? Optional.of(new Calibration(2, 0.5)) : Optional.empty(),
              figures,
              Map.of("auc", 0.5)));
    }
    ScoringSpec spec = all.spec();
    return new ScoringModel(
        new ScoringSpec(
            spec.kind(),
            spec.features(),
            hidden,
            spec.activation(),
            spec.trunk(),
            OptionalInt.empty(),
            0,
            Collections.nCopies(members, new Normalization(0.25, 1.5)),
            List.of(),
            Optional.empty(),
            Collections.nCopies(members, Map.of()),
            Map.of(),
            objectives),
        all.heads());
  }

  /** Returns random ids below 40. */
  public static TokenIds tokens(RandomGenerator random, int count) {
    return TokenIds.of(random.ints(count, 0, 40).toArray());
  }

  private static Content matrix(RandomGenerator random, String name, long rows, long columns) {
    float[] values = gaussian(random, (int) (rows * columns), 0, 1 / Math.sqrt(columns));
    return new Content(name, WeightType.FLOAT32, List.of(rows, columns), () -> values);
  }

  private static Content gain(RandomGenerator random, String name, long size) {
    float[] values = gaussian(random, (int) size, 1, 0.2);
    return new Content(name, WeightType.FLOAT32, List.of(size), () -> values);
  }

  private static float[] gaussian(RandomGenerator random, int count, double mean, double std) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) random.nextGaussian(mean, std);
    }
    return values;
  }

  /** Returns {@code values}, widened. */
  static double[] doubles(float[] values) {
    double[] wide = new double[values.length];
    for (int i = 0; i < values.length; i++) {
      wide[i] = values[i];
    }
    return wide;
  }

  /** Returns the largest difference of two arrays of one length. */
  static double gap(double[] a, double[] b) {
    if (a.length != b.length) {
      throw new IllegalArgumentException(Arrays.toString(a) + " and " + Arrays.toString(b));
    }
    double gap = 0;
    for (int i = 0; i < a.length; i++) {
      gap = Math.max(gap, Math.abs(a[i] - b[i]));
    }
    return gap;
  }
}
