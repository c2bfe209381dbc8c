package io.ballast.standalone.pull;

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
import java.util.List;
import java.util.Map;

/** {@link TinyFolder} with a classifier's head of one label, and a chat template. */
public final class TinyClassifier {
  private static final ObjectMapper JSON = new ObjectMapper();

  private TinyClassifier() {}

  /** Writes it and returns {@code folder}. */
  public static Path write(Path folder) throws IOException {
    TinyFolder.write(folder);
    ObjectNode config = (ObjectNode) JSON.readTree(folder.resolve("config.json").toFile());
    config.putArray("architectures").add("LlamaForSequenceClassification");
    config.putObject("id2label").put("0", "reward");
    JSON.writeValue(folder.resolve("config.json").toFile(), config);
    List<Content> contents = new ArrayList<>(TinyFolder.contents());
    float[] head = new float[TinyFolder.CONFIG.hiddenSize()];
    for (int d = 0; d < head.length; d++) {
      head[d] = d % 5 - 2;
    }
    contents.add(
        new Content(
            "score.weight", WeightType.FLOAT32, List.of(1L, (long) head.length), () -> head));
    SafetensorsFile.write(folder.resolve(ModelManifest.WEIGHTS), contents, Map.of());
    Files.writeString(
        folder.resolve("chat_template.jinja"),
        "{% for m in messages %}{{ m.content }}|{% endfor %}");
    return folder;
  }
}
