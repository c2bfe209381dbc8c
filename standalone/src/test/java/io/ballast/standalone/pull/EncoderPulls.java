package io.ballast.standalone.pull;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.inference.onnx.EncoderDescription;
import io.ballast.inference.onnx.Pooling;
import io.ballast.inference.store.ModelStore;
import io.ballast.standalone.pull.ModelPull.Pulled;
import io.ballast.standalone.pull.ModelPull.Wanted;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/** Pulls of a tiny encoder into a data folder of the test's own. */
abstract class EncoderPulls {
  static final Wanted PLAIN = Wanted.plain(Optional.empty(), "1");
  static final EncoderDescription TINY =
      new EncoderDescription(false, 2, 512, Optional.of(Pooling.MEAN), false);

  @TempDir Path folder = Path.of(".");
  Path data = Path.of(".");

  /** The encoder as it is given: {@code model.onnx} and {@code tokenizer.json}. */
  Path source = Path.of(".");

  @BeforeEach
  void anEncoder() throws IOException {
    data = folder.resolve("data");
    source = TinyEncoder.write(folder.resolve("compass"));
  }

  ModelPull pull() {
    return new ModelPull(data, (what, part) -> {});
  }

  /** Brings a file of a hub's repository; empty: what it means. */
  Pulled fromHub(FakeHub hub, String file, Wanted wanted) throws Exception {
    return pull()
        .hub(
            new HubRepository(hub.address(), "o/tiny", "main", "", Duration.ofSeconds(30)),
            "o/tiny",
            Optional.of(file).filter(name -> !name.isEmpty()),
            wanted);
  }

  byte[] model() throws IOException {
    return Files.readAllBytes(source.resolve("model.onnx"));
  }

  byte[] model(String name) throws IOException {
    return Files.readAllBytes(source.resolve(name + ".onnx"));
  }

  byte[] tokenizer() throws IOException {
    return Files.readAllBytes(source.resolve("tokenizer.json"));
  }

  static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  Path zip(String file, Map<String, byte[]> entries) throws IOException {
    Path archive = folder.resolve(file);
    try (ZipOutputStream out = new ZipOutputStream(Files.newOutputStream(archive))) {
      for (Map.Entry<String, byte[]> entry : entries.entrySet()) {
        out.putNextEntry(new ZipEntry(entry.getKey()));
        out.write(entry.getValue());
        out.closeEntry();
      }
    }
    return archive;
  }

  void assertRefused(Path archive, String reason, String message) throws IOException {
    assertThatThrownBy(() -> pull().local(archive, PLAIN))
        .isInstanceOfSatisfying(PullException.class, e -> assertThat(e.reason()).isEqualTo(reason))
        .hasMessageContaining(message);
    assertNothingCame();
  }

  void assertNothingCame() throws IOException {
    assertThat(new ModelStore(data.resolve("models")).list()).isEmpty();
    for (String left : List.of("models/.staging", "pull")) {
      if (Files.exists(data.resolve(left))) {
        try (Stream<Path> files = Files.list(data.resolve(left))) {
          assertThat(files).isEmpty();
        }
      }
    }
  }
}
