package io.ballast.inference.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import io.ballast.inference.store.SafetensorsFile.Content;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A model's files are data, and they lie in its folder. */
class FilesAreDataTest {
  @TempDir private Path root;

  @Test
  void picklesAreRefusedByName() throws IOException {
    for (String pickle : List.of("pytorch_model.bin", "model.PT", "x.pth", "a.ckpt", "w.pkl")) {
      Path folder = Files.createDirectory(root.resolve(pickle + ".folder"));
      Files.write(folder.resolve(pickle), new byte[] {(byte) 0x80, 4, '.'});
      assertRefused(
          () -> WeightFiles.open(folder),
          pickle
              + ": a pickle, which can run code when it is read (expected: model.safetensors;"
              + " save_pretrained of transformers writes it)");
    }
  }

  @Test
  void aPickleBesideSafetensorsIsNotLookedAt() throws IOException {
    weights(root);
    Files.write(root.resolve("training_args.bin"), new byte[] {(byte) 0x80, 4, '.'});

    assertThat(WeightFiles.open(root).names()).containsExactly("a");
  }

  @Test
  void namesThatLeadOutOfTheFolderAreRefused() throws IOException {
    weights(root);
    for (String name :
        List.of(
            "../secret",
            "/etc/passwd",
            "a/../../secret",
            ".",
            "..",
            "",
            "a//b",
            "a/",
            "a/".repeat(20_000) + "a",
            "a\\\\b",
            "a\\u0000b")) {
      Files.writeString(
          root.resolve(ModelManifest.FILE), "{\"sha256\": {\"%s\": \"0\"}}".formatted(name));
      assertThatThrownBy(() -> ModelManifest.read(root))
          .as(name)
          .isInstanceOfSatisfying(
              ModelException.class, e -> assertThat(e.reason()).isEqualTo(Reason.INVALID_FOLDER))
          .hasMessageEndingWith("(expected: a file inside the folder)");
    }
    Files.writeString(
        root.resolve(ModelManifest.FILE),
        "{\"sha256\": {\"1_Pooling/config.json\": \"0\", \"..a.json\": \"0\"}}");
    assertThat(ModelManifest.read(root).orElseThrow().checksums()).hasSize(2);

    ModelStore store = new ModelStore(root);
    for (String name : List.of("..", "../x", "/etc", "a/b", "a\0b", "", ".staging", "a\\b")) {
      assertThatThrownBy(() -> store.find(name, "1")).isInstanceOf(IllegalArgumentException.class);
      assertThatThrownBy(() -> store.find("m", name)).isInstanceOf(IllegalArgumentException.class);
    }
  }

  @Test
  void aLinkOutOfAPublishedFolderIsRefusedAlthoughItsContentIsTheSame() throws IOException {
    Path folder = Files.createDirectory(root.resolve("m"));
    weights(folder);
    ModelManifest manifest = ModelManifest.write(folder, Map.of());
    manifest.verify(folder);
    Path moved = root.resolve("moved.safetensors");
    Files.move(folder.resolve(ModelManifest.WEIGHTS), moved);
    Files.createSymbolicLink(folder.resolve(ModelManifest.WEIGHTS), moved);

    assertRefused(
        () -> manifest.verify(folder),
        "m/model.safetensors: a link out of the folder (expected: a file in it)");
  }

  @Test
  void shardsAreFilesOfTheFolder() throws IOException {
    for (String shard : List.of("../a.safetensors", "/a.safetensors", "b/a.safetensors", "a.bin")) {
      Files.writeString(
          root.resolve(WeightFiles.INDEX), "{\"weight_map\": {\"a\": \"%s\"}}".formatted(shard));
      assertRefused(
          () -> WeightFiles.open(root),
          "\"" + shard + "\" (expected: a .safetensors file of this folder)");
    }
  }

  @Test
  void aHeaderIsNoLongerThanItsFile() throws IOException {
    Path file = root.resolve(ModelManifest.WEIGHTS);
    for (long length : new long[] {100, 99_999_999, 100_000_001, Long.MAX_VALUE, -1, 0}) {
      Files.write(
          file, ByteBuffer.allocate(16).order(ByteOrder.LITTLE_ENDIAN).putLong(length).array());
      assertRefused(
          () -> SafetensorsFile.open(file),
          "header of " + length + " bytes in a file of 16 (expected: a safetensors file)");
    }
  }

  private static void weights(Path folder) throws IOException {
    SafetensorsFile.write(
        folder.resolve(ModelManifest.WEIGHTS),
        List.of(new Content("a", WeightType.FLOAT32, List.of(1L), () -> new float[] {1})),
        Map.of());
  }

  private static void assertRefused(
      org.assertj.core.api.ThrowableAssert.ThrowingCallable reading, String ending) {
    assertThatThrownBy(reading)
        .isInstanceOfSatisfying(
            ModelException.class, e -> assertThat(e.reason()).isEqualTo(Reason.INVALID_FOLDER))
        .hasMessageEndingWith(ending);
  }
}
