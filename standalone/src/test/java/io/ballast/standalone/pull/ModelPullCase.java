package io.ballast.standalone.pull;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.inference.store.ModelManifest;
import io.ballast.inference.store.ModelStore;
import io.ballast.standalone.pull.ModelPull.Wanted;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/** Pulls of one small model. */
abstract class ModelPullCase {
  static final Wanted PLAIN = Wanted.plain(Optional.empty(), "1");

  @TempDir Path folder = Path.of(".");
  Path data = Path.of(".");
  Path source = Path.of(".");

  @BeforeEach
  void aFolder() throws IOException {
    data = folder.resolve("data");
    source = TinyFolder.write(folder.resolve("Tiny Model"));
  }

  ModelPull pull() {
    return new ModelPull(data, (what, part) -> {});
  }

  static byte[] weights(Path model) throws IOException {
    return Files.readAllBytes(model.resolve(ModelManifest.WEIGHTS));
  }

  void assertNothingCame() throws IOException {
    assertThat(new ModelStore(data.resolve("models")).list()).isEmpty();
    if (Files.exists(data.resolve("models/.staging"))) {
      try (Stream<Path> left = Files.list(data.resolve("models/.staging"))) {
        assertThat(left).isEmpty();
      }
    }
  }

  Path zip(String... names) throws IOException {
    Path archive = folder.resolve("tiny-1.0-py3-none-any.whl");
    try (ZipOutputStream out = new ZipOutputStream(Files.newOutputStream(archive))) {
      for (String name : names) {
        out.putNextEntry(new ZipEntry(name));
        Path file = source.resolve(name.substring(name.lastIndexOf('/') + 1));
        if (Files.isRegularFile(file)) {
          Files.copy(file, out);
        }
        out.closeEntry();
      }
    }
    return archive;
  }
}
