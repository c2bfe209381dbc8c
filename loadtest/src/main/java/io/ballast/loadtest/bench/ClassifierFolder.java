package io.ballast.loadtest.bench;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
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
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.SplittableRandom;

/**
 * One classifier in two forms: a Hugging Face folder that transformers loads, whose last token's
 * state is multiplied by a vector, and a linear head of a reward ensemble on the same trunk. The
 * vector is random: what it costs does not depend on what it has learnt.
 */
final class ClassifierFolder {
  private static final String SCORE = "score.weight";
  private static final ObjectMapper JSON = new ObjectMapper();

  private ClassifierFolder() {}

  /**
   * Writes both.
   *
   * @param trunk a Llama decoder's folder, {@code java-tiny/1}
   * @param huggingFace created: the form for transformers
   * @param heads created: the form for a reward-server, {@code <name>/<version>}
   */
  static void write(Path trunk, Path huggingFace, Path heads) throws IOException {
    ObjectNode config = (ObjectNode) JSON.readTree(trunk.resolve("config.json").toFile());
    int width = config.path("hidden_size").asInt();
    SplittableRandom random = new SplittableRandom(11);
    float[] vector = new float[width];
    for (int i = 0; i < width; i++) {
      vector[i] = (float) (random.nextGaussian() / Math.sqrt(width));
    }
    writeHuggingFace(trunk, config, vector, huggingFace);
    writeHeads(trunk, vector, heads);
  }

  private static void writeHuggingFace(Path trunk, ObjectNode config, float[] vector, Path folder)
      throws IOException {
    Files.createDirectories(folder);
    config.putArray("architectures").add("LlamaForSequenceClassification");
    config.put("pad_token_id", config.path("eos_token_id").asInt());
    config.put("num_labels", 1);
    config.putObject("id2label").put("0", "LABEL_0");
    config.putObject("label2id").put("LABEL_0", 0);
    JSON.writeValue(folder.resolve("config.json").toFile(), config);
    for (String name : List.of("tokenizer.json", "tokenizer_config.json")) {
      Files.copy(trunk.resolve(name), folder.resolve(name));
    }
    SafetensorsFile tensors = SafetensorsFile.open(trunk.resolve(ModelManifest.WEIGHTS));
    List<Content> contents = new ArrayList<>();
    for (String name : tensors.names()) {
      List<Long> shape = tensors.shape(name);
      contents.add(new Content(name, tensors.type(name), shape, () -> tensors.read(name, shape)));
    }
    contents.add(
        new Content(SCORE, WeightType.FLOAT32, List.of(1L, (long) vector.length), () -> vector));
    SafetensorsFile.write(folder.resolve(ModelManifest.WEIGHTS), contents, Map.of("format", "pt"));
  }

  private static void writeHeads(Path trunk, float[] vector, Path folder) throws IOException {
    float[] ones = new float[vector.length];
    Arrays.fill(ones, 1);
    String trunkSha256 =
        ModelManifest.read(trunk).flatMap(ModelManifest::weightsSha256).orElseThrow();
    ScoringModelFolder.write(
        folder,
        new ScoringModel(
            new ScoringSpec(
                ScoringKind.REWARD_ENSEMBLE,
                List.of(ScoringFeature.LAST_HIDDEN),
                0,
                HeadActivation.TANH,
                new TrunkReference("java-tiny", "1", trunkSha256),
                OptionalInt.of(0),
                List.of(new Normalization(0, 1)),
                List.of(),
                new Calibration(1, 0),
                List.of(Map.of("within_prompt_accuracy", 0.5)),
                Map.of()),
            new ScoringHeads(new float[vector.length], ones, List.of(Head.linear(vector, 0)))),
        Map.of("made_for", "bench"));
  }
}
