package io.ballast.standalone.experiment.safety;

import io.ballast.inference.store.ModelManifest;
import io.ballast.inference.store.ModelStore;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * Versions with the weights of another, each with a note of its own in the header of its weights'
 * file: alike in all that they say, and different candidates to whoever counts looks.
 */
final class CopiedModels {
  private static final String NOTES = "\"__metadata__\":{";

  private CopiedModels() {}

  /**
   * Publishes a copy.
   *
   * @param original a model's folder
   */
  static void publish(ModelStore store, Path original, String name, String version)
      throws IOException {
    List<Path> files;
    try (Stream<Path> all = Files.list(original)) {
      files = all.filter(Files::isRegularFile).toList();
    }
    var unused =
        store.publish(
            name,
            version,
            folder -> {
              for (Path file : files) {
                String each = file.getFileName().toString();
                if (each.equals(ModelManifest.WEIGHTS)) {
                  Files.write(folder.resolve(each), noted(Files.readAllBytes(file), version));
                } else if (!each.equals(ModelManifest.FILE)) {
                  Files.copy(file, folder.resolve(each));
                }
              }
            },
            Map.of("copy of", name));
  }

  /** A safetensors file with {@code note} in its header's metadata, which no reader looks at. */
  private static byte[] noted(byte[] file, String note) throws IOException {
    int length = (int) ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN).getLong();
    String header = new String(file, 8, length, StandardCharsets.UTF_8);
    if (!header.contains(NOTES)) {
      throw new IOException("the header of the weights has no notes (expected: " + NOTES + ")");
    }
    byte[] longer =
        header
            .replace(NOTES, NOTES + "\"copy\":\"" + note + "\",")
            .getBytes(StandardCharsets.UTF_8);
    ByteBuffer out =
        ByteBuffer.allocate(8 + longer.length + file.length - 8 - length)
            .order(ByteOrder.LITTLE_ENDIAN);
    return out.putLong(longer.length)
        .put(longer)
        .put(file, 8 + length, file.length - 8 - length)
        .array();
  }
}
