package io.ballast.inference.torch;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
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

/** Folders of sequence classifiers as transformers writes them, of seeded random weights. */
public final class ClassifierFolders {
  private static final int HIDDEN = 16;
  private static final int LABELS = 3;
  private static final ObjectMapper JSON = new ObjectMapper();

  /** The head of three labels, shape [3, 16]. */
  static final float[] SCORE = new float[LABELS * HIDDEN];

  static {
    for (int i = 0; i < SCORE.length; i++) {
      SCORE[i] = (i * 7 % 11 - 5) / 10f;
    }
  }

  private ClassifierFolders() {}

  /**
   * Writes a classifier with a tokenizer of {@link TinyTokenizer}, whose labels are LABEL_0, ….
   *
   * @param labels 1 to 3
   */
  public static Path withTokenizer(Path folder, DecoderFamily family, int labels, int contextTokens)
      throws IOException {
    Files.createDirectories(folder);
    DecoderConfig config =
        FamilyFolders.with(
            FamilyFolders.config(family),
            TinyTokenizer.vocabularySize(),
            contextTokens,
            FamilyFolders.config(family).activation());
    write(folder, config, labels, labels);
    TinyTokenizer.write(folder);
    return folder;
  }

  /** Writes weights for {@code rows} labels and a config that names {@code named}. */
  static Path write(Path folder, DecoderConfig config, int rows, long named) throws IOException {
    List<Content> contents = new ArrayList<>(FamilyFolders.contents(config, 3));
    contents.removeIf(content -> content.name().equals("lm_head.weight"));
    contents.add(
        new Content(
            "score.weight",
            WeightType.FLOAT32,
            List.of((long) rows, (long) HIDDEN),
            () -> Arrays.copyOf(SCORE, rows * HIDDEN)));
    SafetensorsFile.write(folder.resolve(ModelManifest.WEIGHTS), contents, Map.of());
    config.write(folder, WeightType.FLOAT32);
    ObjectNode json = config(folder);
    json.putArray("architectures").add(config.family().classifierArchitecture());
    ObjectNode names = json.putObject("id2label");
    for (int k = 0; k < named; k++) {
      names.put("" + k, "LABEL_" + k);
    }
    JSON.writeValue(folder.resolve(ConfigJson.FILE).toFile(), json);
    return folder;
  }

  /** Says which token is padding. */
  static void setPadding(Path folder, int id) throws IOException {
    ObjectNode json = config(folder);
    json.put("pad_token_id", id);
    JSON.writeValue(folder.resolve(ConfigJson.FILE).toFile(), json);
  }

  private static ObjectNode config(Path folder) throws IOException {
    return (ObjectNode) JSON.readTree(folder.resolve(ConfigJson.FILE).toFile());
  }
}
