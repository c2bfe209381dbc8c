package io.ballast.inference.torch;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.inference.api.PerToken;
import io.ballast.inference.api.TokenIds;
import io.ballast.inference.store.SafetensorsFile;
import io.ballast.inference.store.WeightType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.Test;

/**
 * Compares with models that transformers made: {@code src/test/python/families.py} says how to run
 * it. No part of the usual tests, which need no Python.
 */
class TransformersParityCheck {
  private static final double TOLERANCE = 1e-4;

  @Test
  void everyModelSaysWhatItSaysInTransformers() throws IOException {
    Path root = Path.of(System.getProperty("ballast.parity", "the folder of families.py"));
    List<Path> folders;
    try (Stream<Path> children = Files.list(root)) {
      folders = children.filter(Files::isDirectory).sorted().toList();
    }
    assertThat(folders).isNotEmpty();
    List<String> lines = new ArrayList<>();
    double worst = 0;
    for (Path folder : folders) {
      SafetensorsFile expected = SafetensorsFile.open(folder.resolve("expected.safetensors"));
      boolean classifier = expected.names().contains("scores");
      double gap = classifier ? scores(folder, expected) : logits(folder, expected);
      lines.add("%-32s %.1e".formatted(folder.getFileName(), gap));
      worst = Math.max(worst, gap);
    }
    lines.forEach(System.out::println);
    assertThat(worst).isLessThan(TOLERANCE);
  }

  private static int[][] tokens(SafetensorsFile expected) {
    List<Long> shape = expected.shape("tokens");
    float[] flat = expected.read("tokens", shape);
    int[][] tokens = new int[shape.get(0).intValue()][shape.get(1).intValue()];
    for (int i = 0; i < flat.length; i++) {
      tokens[i / tokens[0].length][i % tokens[0].length] = (int) flat[i];
    }
    return tokens;
  }

  private static double logits(Path folder, SafetensorsFile expected) throws IOException {
    int[][] tokens = tokens(expected);
    float[] wanted = expected.read("logits", expected.shape("logits"));
    Path tokenizer = Files.writeString(folder.resolve("tokenizer.json"), "{}");
    double gap = 0;
    try (TrainableDecoder decoder =
        TrainableDecoder.load(folder, Arithmetic.FLOAT32, OptimizerOptions.pretraining())) {
      decoder.save(folder.resolve("saved"), WeightType.FLOAT32, tokenizer, Map.of());
      int at = 0;
      for (int[] row : tokens) {
        for (float logit : logits(decoder, row)) {
          gap = Math.max(gap, Math.abs(logit - wanted[at++]));
        }
      }
      assertThat(at).isEqualTo(wanted.length);
    }
    return gap;
  }

  /** Returns the logits after each token, row by row. */
  static float[] logits(TrainableDecoder decoder, int[] tokens) {
    DecoderNetwork network = decoder.weights().network();
    long[] ids = Arrays.stream(tokens).asLongStream().toArray();
    try (RotaryTable rotary = new RotaryTable(decoder.config(), decoder.weights().fullType());
        PointerScope scope = new PointerScope();
        NoGradGuard off = new NoGradGuard()) {
      Tensor residual =
          network.hidden(
              Tensors.of(ids, 1, ids.length),
              rotary.first(ids.length),
              DecoderNetwork.withoutMemory(null));
      Tensor input = network.normalized(residual.view(-1, decoder.config().hiddenSize()));
      return Tensors.floats(torch.linear(input, network.head()));
    }
  }

  private static double scores(Path folder, SafetensorsFile expected) {
    int[][] tokens = tokens(expected);
    float[] wanted = expected.read("scores", expected.shape("scores"));
    double gap = 0;
    try (SequenceClassifier classifier = SequenceClassifier.load(folder, Arithmetic.FLOAT32)) {
      List<TokenIds> texts = Arrays.stream(tokens).map(TokenIds::of).toList();
      int at = 0;
      for (PerToken scores : classifier.scores(texts)) {
        for (int k = 0; k < scores.size(); k++) {
          gap = Math.max(gap, Math.abs(scores.get(k) - wanted[at++]));
        }
      }
      assertThat(at).isEqualTo(wanted.length);
    }
    return gap;
  }
}
