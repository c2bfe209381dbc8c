package io.ballast.inference.torch;

import io.ballast.inference.store.ModelManifest;
import io.ballast.inference.store.SafetensorsFile;
import io.ballast.inference.store.SafetensorsFile.Content;
import io.ballast.inference.store.WeightType;
import io.ballast.inference.torch.ParameterLayout.Parameter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;

/** Folders of seeded random weights, one shape a family, small enough for plain loops. */
public final class FamilyFolders {
  private FamilyFolders() {}

  /**
   * Returns a small shape of a family; a head is wider than its part of the stream if it may be.
   */
  public static DecoderConfig config(DecoderFamily family) {
    return switch (family) {
      case LLAMA -> of(family, 4, 2, Activation.SILU, false, true);
      case MISTRAL -> of(family, 4, 2, Activation.SILU, false, false);
      case QWEN2 -> of(family, 4, 2, Activation.SILU, true, true);
      case QWEN3 -> of(family, 8, 2, Activation.SILU, false, false);
      case GEMMA -> of(family, 8, 1, Activation.GELU_TANH, false, true);
    };
  }

  private static DecoderConfig of(
      DecoderFamily family,
      int headSize,
      int keyValueHeads,
      Activation activation,
      boolean bias,
      boolean tied) {
    return new DecoderConfig(
        family,
        16,
        24,
        2,
        4,
        keyValueHeads,
        headSize,
        40,
        32,
        1e-5,
        10_000,
        new RopeScaling.None(),
        activation,
        bias,
        false,
        tied,
        1,
        List.of(0, 3));
  }

  /** Returns {@code config} with other ids, another context and another gate. */
  public static DecoderConfig with(
      DecoderConfig config, int vocabularySize, int contextTokens, Activation activation) {
    return new DecoderConfig(
        config.family(),
        config.hiddenSize(),
        config.intermediateSize(),
        config.layers(),
        config.attentionHeads(),
        config.keyValueHeads(),
        config.headSize(),
        vocabularySize,
        contextTokens,
        config.rmsNormEpsilon(),
        config.ropeTheta(),
        config.ropeScaling(),
        activation,
        config.queryKeyValueBias(),
        config.outputBias(),
        config.tiedHead(),
        config.beginOfTextId(),
        config.endOfTextIds());
  }

  /** Returns {@code config} with another rope. */
  public static DecoderConfig withRope(DecoderConfig config, RopeScaling scaling) {
    return new DecoderConfig(
        config.family(),
        config.hiddenSize(),
        config.intermediateSize(),
        config.layers(),
        config.attentionHeads(),
        config.keyValueHeads(),
        config.headSize(),
        config.vocabularySize(),
        config.contextTokens(),
        config.rmsNormEpsilon(),
        config.ropeTheta(),
        scaling,
        config.activation(),
        config.queryKeyValueBias(),
        config.outputBias(),
        config.tiedHead(),
        config.beginOfTextId(),
        config.endOfTextIds());
  }

  /** Returns a Llama whose attention has all biases and whose gate is the exact GELU. */
  public static DecoderConfig biasedLlama() {
    DecoderConfig plain = config(DecoderFamily.LLAMA);
    return new DecoderConfig(
        plain.family(),
        plain.hiddenSize(),
        plain.intermediateSize(),
        plain.layers(),
        plain.attentionHeads(),
        plain.keyValueHeads(),
        6,
        plain.vocabularySize(),
        plain.contextTokens(),
        plain.rmsNormEpsilon(),
        500,
        plain.ropeScaling(),
        Activation.GELU,
        true,
        true,
        false,
        plain.beginOfTextId(),
        plain.endOfTextIds());
  }

  /**
   * Writes a decoder of random weights in which one token is not a number, and returns its folder.
   *
   * @param config with a head of its own, so that only who feeds the token meets it
   */
  public static Path writeSpoiled(Path folder, DecoderConfig config, long seed, int token)
      throws IOException {
    write(folder, config, seed);
    List<Content> contents = new ArrayList<>();
    for (Content content : contents(config, seed)) {
      if (content.name().equals("model.embed_tokens.weight")) {
        float[] values =
            SafetensorsFile.open(folder.resolve(ModelManifest.WEIGHTS))
                .read(content.name(), content.shape());
        values[token * config.hiddenSize()] = Float.NaN;
        contents.add(new Content(content.name(), content.type(), content.shape(), () -> values));
      } else {
        contents.add(content);
      }
    }
    SafetensorsFile.write(folder.resolve(ModelManifest.WEIGHTS), contents, Map.of("format", "pt"));
    return folder;
  }

  /** Writes a decoder of random weights and returns its folder. */
  public static Path write(Path folder, DecoderConfig config, long seed) throws IOException {
    Files.createDirectories(folder);
    SafetensorsFile.write(
        folder.resolve(ModelManifest.WEIGHTS), contents(config, seed), Map.of("format", "pt"));
    config.write(folder, WeightType.FLOAT32);
    return folder;
  }

  /**
   * Returns all weights of a shape: matrices that keep the scale, gains round one, small biases.
   */
  static List<Content> contents(DecoderConfig config, long seed) {
    RandomGenerator random = new SplittableRandom(seed);
    List<Content> contents = new ArrayList<>();
    for (Parameter p : new ParameterLayout(config).parameters()) {
      boolean gain = p.name().endsWith("norm.weight");
      double mean = gain ? 1 - config.normOffset() : 0;
      double deviation = p.columns() == 0 ? 0.2 : 1 / Math.sqrt(p.columns());
      float[] values = new float[(int) p.size()];
      for (int i = 0; i < values.length; i++) {
        values[i] = (float) random.nextGaussian(mean, deviation);
      }
      contents.add(new Content(p.name(), WeightType.FLOAT32, p.shape(), () -> values));
    }
    return contents;
  }
}
