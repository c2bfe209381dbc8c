package io.ballast.inference.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import io.ballast.inference.store.ModelStore.StoredModel;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Versions appear whole, never change, and are checked before they are used. */
class ModelStoreTest {
  @TempDir private Path root;

  private StoredModel publish(String version, String content) throws IOException {
    return new ModelStore(root)
        .publish(
            "java-tiny",
            version,
            folder -> Files.writeString(folder.resolve("model.safetensors"), content),
            Map.of("parent", "none"));
  }

  @Test
  void anEmptyRootHasNoModels() {
    assertThat(new ModelStore(root.resolve("absent")).list()).isEmpty();
  }

  @Test
  void whatIsPublishedIsListedAndFound() throws IOException {
    StoredModel second = publish("v2", "two");
    StoredModel first = publish("v1", "one");
    ModelStore store = new ModelStore(root);
    assertThat(store.list()).containsExactly(first, second);
    assertThat(store.find("java-tiny", "v1")).contains(first);
    assertThat(store.find("java-tiny", "v3")).isEmpty();
    assertThat(store.verified("java-tiny", "v1").folder().resolve("model.safetensors"))
        .hasContent("one");
  }

  @Test
  void ofSeveralRootsTheFirstThatHasAVersionGivesIt() throws IOException {
    StoredModel first = publish("v1", "one");
    Path other = root.resolve("other");
    for (String version : List.of("v1", "v2")) {
      var unused =
          new ModelStore(other)
              .publish(
                  "java-tiny",
                  version,
                  folder -> Files.writeString(folder.resolve("model.safetensors"), "else"),
                  Map.of());
    }
    List<Path> roots = List.of(root.resolve("absent"), root, other);
    assertThat(ModelStore.find(roots, "java-tiny", "v1")).contains(first);
    assertThat(ModelStore.find(roots, "java-tiny", "v2").orElseThrow().folder())
        .isEqualTo(other.resolve("java-tiny/v2"));
    assertThat(ModelStore.find(roots, "java-tiny", "v3")).isEmpty();
    assertThatThrownBy(() -> ModelStore.find(roots, "../java-tiny", "v1"))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void theManifestHoldsChecksumsAndNotes() throws IOException {
    ModelManifest manifest = ModelManifest.read(publish("v1", "abc").folder()).orElseThrow();
    // the published SHA-256 of "abc"
    assertThat(manifest.weightsSha256())
        .contains("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assertThat(manifest.notes()).containsEntry("parent", "none");
  }

  @Test
  void aVersionNeverChanges() throws IOException {
    publish("v1", "one");
    assertThatThrownBy(() -> publish("v1", "other")).isInstanceOf(FileAlreadyExistsException.class);
    assertThat(root.resolve("java-tiny/v1/model.safetensors")).hasContent("one");
  }

  @Test
  void aWriterThatFailsLeavesNothing() {
    ModelStore store = new ModelStore(root);
    assertThatThrownBy(
            () ->
                store.publish(
                    "java-tiny",
                    "v1",
                    folder -> {
                      Files.writeString(folder.resolve("half"), "half");
                      throw new IOException("disk full");
                    },
                    Map.of()))
        .hasMessage("disk full");
    assertThat(store.list()).isEmpty();
    assertThat(root.resolve(".staging")).isEmptyDirectory();
  }

  @Test
  void aChangedFileIsCorrupt() throws IOException {
    Files.writeString(publish("v1", "one").folder().resolve("model.safetensors"), "onf");
    assertFails("v1", Reason.CORRUPT_WEIGHTS, "model.safetensors");
  }

  @Test
  void aMissingFileOrVersionIsNamed() throws IOException {
    Files.delete(publish("v1", "one").folder().resolve("model.safetensors"));
    assertFails("v1", Reason.INVALID_FOLDER, "model.safetensors: the file is missing");
    assertFails("v2", Reason.INVALID_FOLDER, "v2: no such model version");
  }

  @Test
  void aMessageForACallerNamesTheVersionAndNotTheFolder() throws IOException {
    StoredModel model = publish("v1", "one");
    String flaw = model.folder().resolve("model.safetensors") + ": the file is missing";

    assertThat(model.withoutPath(flaw))
        .isEqualTo("java-tiny/v1/model.safetensors: the file is missing");
  }

  @Test
  void aNameCannotLeaveTheRoot() {
    assertThatThrownBy(() -> new ModelStore(root).find("..", "v1"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("name: \"..\"");
    assertThatThrownBy(() -> new ModelStore(root).find("a", "v1/../../b"))
        .hasMessageStartingWith("version: ");
    for (String name : List.of("", "/etc", "a\\b", "a\nb", "a\0b", ".hidden", "-x", "_x")) {
      assertThatThrownBy(() -> new ModelStore(root).find("a", name))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageStartingWith("version: ");
    }
  }

  private void assertFails(String version, Reason reason, String message) {
    assertThatThrownBy(() -> new ModelStore(root).verified("java-tiny", version))
        .hasMessageContaining(message)
        .extracting(e -> ((ModelException) e).reason())
        .isEqualTo(reason);
  }
}
