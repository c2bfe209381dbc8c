package io.ballast.standalone.pull;

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
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;

/** A Hugging Face folder small enough to make in a moment: one block, bytes for tokens. */
public final class TinyFolder {
  /** Its shape: id 0 ends a text, ids 1 to 256 are the bytes. */
  public static final DecoderConfig CONFIG =
      new DecoderConfig(16, 24, 1, 2, 1, ByteTokenizer.VOCABULARY, 32, 1e-5, 10_000, true, 0, 0);

  private TinyFolder() {}

  /** Writes it and returns {@code folder}. */
  public static Path write(Path folder) throws IOException {
    Files.createDirectories(folder);
    CONFIG.write(folder, WeightType.FLOAT32);
    SafetensorsFile.write(folder.resolve(ModelManifest.WEIGHTS), contents(), Map.of());
    ByteTokenizer.write(folder);
    Files.writeString(
        folder.resolve("tokenizer_config.json"),
        "{\"eos_token\":\"%s\"}".formatted(ByteTokenizer.END_OF_TEXT));
    return folder;
  }

  /** Returns its weights, the same each time. */
  static List<Content> contents() {
    RandomGenerator random = new SplittableRandom(11);
    List<Content> contents = new ArrayList<>();
    CONFIG
        .weightShapes()
        .forEach(
            (name, shape) -> {
              float[] values =
                  new float[shape.stream().mapToInt(Long::intValue).reduce(1, (a, b) -> a * b)];
              for (int i = 0; i < values.length; i++) {
                values[i] = (float) random.nextGaussian(shape.size() == 1 ? 1 : 0, 0.1);
              }
              contents.add(new Content(name, WeightType.FLOAT32, shape, () -> values));
            });
    return contents;
  }
}
