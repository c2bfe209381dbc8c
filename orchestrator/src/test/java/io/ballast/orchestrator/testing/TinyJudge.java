package io.ballast.orchestrator.testing;

import io.ballast.inference.store.ModelManifest;
import io.ballast.inference.store.SafetensorsFile;
import io.ballast.inference.store.SafetensorsFile.Content;
import io.ballast.inference.store.WeightType;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/** A reward model: the tiny model's trunk and tokenizer with a head of two labels. */
public final class TinyJudge {
  public static final String NAME = "judge";
  public static final String VERSION = "1";

  private static final int LABELS = 2;
  private static final String TOKENIZER = "tokenizer.json";
  private static final String CONFIG = "config.json";

  private TinyJudge() {}

  /** Writes version 1 of it below {@code root}, where the tiny model is. */
  public static Path writeTo(Path root) {
    Path tiny = root.resolve(TinyModel.NAME).resolve(TinyModel.VERSION);
    Path judge = root.resolve(NAME).resolve(VERSION);
    try {
      Files.createDirectories(judge);
      SafetensorsFile weights = SafetensorsFile.open(tiny.resolve(ModelManifest.WEIGHTS));
      List<Content> contents = new ArrayList<>();
      for (String name : weights.names()) {
        List<Long> shape = weights.shape(name);
        contents.add(new Content(name, WeightType.FLOAT32, shape, () -> weights.read(name, shape)));
      }
      long width = weights.shape("model.norm.weight").getFirst();
      contents.add(
          new Content(
              "score.weight",
              WeightType.FLOAT32,
              List.of((long) LABELS, width),
              () -> head(width)));
      SafetensorsFile.write(judge.resolve(ModelManifest.WEIGHTS), contents, Map.of());
      Files.writeString(
          judge.resolve(CONFIG),
          Files.readString(tiny.resolve(CONFIG))
              .replace("ForCausalLM", "ForSequenceClassification"));
      Files.copy(tiny.resolve(TOKENIZER), judge.resolve(TOKENIZER));
      ModelManifest.write(judge, Map.of());
      return judge;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The first label is worth nothing, the second half of what the state's numbers add up to. */
  private static float[] head(long width) {
    float[] head = new float[Math.toIntExact(LABELS * width)];
    Arrays.fill(head, head.length / 2, head.length, 0.5f);
    return head;
  }
}
