package io.ballast.reward.testing;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.ballast.inference.brought.BroughtAdoption;
import io.ballast.inference.brought.BroughtEngines;
import io.ballast.inference.brought.BroughtManifest;
import io.ballast.inference.brought.ReferenceAnswers;
import io.ballast.inference.onnx.EncoderOptions;
import io.ballast.inference.store.ModelManifest;
import io.ballast.inference.store.ModelStore;
import io.ballast.inference.store.SafetensorsFile;
import io.ballast.inference.store.SafetensorsFile.Content;
import io.ballast.inference.store.WeightType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * {@link TinyModel} with a classifier's head of two labels, bad and good, as transformers writes
 * it, adopted in several ways.
 */
public final class TinyClassifier {
  /** Its folder's name; version 1. */
  public static final String NAME = "tiny-classifier";

  private static final int HIDDEN = 16;
  private static final int LABELS = 2;
  private static final ObjectMapper JSON = new ObjectMapper();

  private TinyClassifier() {}

  /** Writes the classifier below {@code root}. */
  public static void writeTo(Path root) throws IOException {
    TinyModel.writeTo(root);
    Path trunk = root.resolve(TinyModel.NAME).resolve(TinyModel.VERSION);
    new ModelStore(root)
        .publish(
            NAME,
            "1",
            folder -> {
              Files.copy(trunk.resolve("tokenizer.json"), folder.resolve("tokenizer.json"));
              ObjectNode config = (ObjectNode) JSON.readTree(trunk.resolve("config.json").toFile());
              config.putArray("architectures").add("LlamaForSequenceClassification");
              config.putObject("id2label").put("0", "bad").put("1", "good");
              JSON.writeValue(folder.resolve("config.json").toFile(), config);
              SafetensorsFile.write(
                  folder.resolve(ModelManifest.WEIGHTS),
                  weights(trunk.resolve(ModelManifest.WEIGHTS)),
                  Map.of("format", "pt"));
            },
            Map.of());
  }

  private static List<Content> weights(Path trunk) {
    SafetensorsFile file = SafetensorsFile.open(trunk);
    List<Content> contents = new ArrayList<>();
    for (String name : file.names()) {
      List<Long> shape = file.shape(name);
      contents.add(new Content(name, WeightType.FLOAT32, shape, () -> file.read(name, shape)));
    }
    float[] head = new float[LABELS * HIDDEN];
    for (int i = 0; i < head.length; i++) {
      head[i] = (i * 7 % 11 - 5) / 5f;
    }
    contents.add(
        new Content(
            "score.weight", WeightType.FLOAT32, List.of((long) LABELS, (long) HIDDEN), () -> head));
    return contents;
  }

  /**
   * Adopts it as version 1 of an ensemble.
   *
   * @param members each one's JSON without model and version, such as {@code "input": {"form":
   *     "tokens"}, "score": {"kind": "logit"}}
   */
  public static void adopt(Path root, String name, String... members) throws IOException {
    List<String> all = new ArrayList<>();
    for (String member : members) {
      all.add("{\"model\": \"%s\", \"version\": \"1\", %s}".formatted(NAME, member));
    }
    var unused =
        new BroughtAdoption(
                new ModelStore(root), List.of(root), BroughtEngines.here(EncoderOptions.defaults()))
            .adopt(
                name,
                "1",
                new BroughtAdoption.Plan(
                    BroughtManifest.parse(
                        "{\"format\": \"ballast-brought-reward\", \"members\": [%s]}"
                            .formatted(String.join(", ", all))),
                    ReferenceAnswers.none(),
                    1e-4,
                    Map.of()),
                part -> {});
  }
}
