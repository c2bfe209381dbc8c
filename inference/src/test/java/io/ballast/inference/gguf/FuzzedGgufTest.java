package io.ballast.inference.gguf;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.store.WeightType;
import io.ballast.testing.fuzz.FuzzedFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A damaged GGUF file is taken or refused, and costs no more memory than it is long. */
@Timeout(value = 2, unit = TimeUnit.HOURS) // of the longer lane, with its million inputs
class FuzzedGgufTest {
  private static final long SEED = 8;

  @TempDir private Path folder;

  @Test
  void damagedBytes() throws IOException {
    Path file = folder.resolve("whole.gguf");
    GgufModelTest.model("llama").write(file);
    byte[] whole = Files.readAllBytes(file);
    Path damaged = folder.resolve("damaged.gguf");

    new FuzzedFiles(SEED, ModelException.class, 30)
        .assertTyped(
            whole,
            bytes -> {
              Files.write(damaged, bytes);
              var unused =
                  GgufModel.write(damaged, folder.resolve("out"), WeightType.FLOAT32, part -> {});
            });
  }
}
