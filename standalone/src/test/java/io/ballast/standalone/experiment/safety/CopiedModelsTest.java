package io.ballast.standalone.experiment.safety;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.inference.store.ModelManifest;
import io.ballast.inference.store.ModelStore;
import io.ballast.inference.store.SafetensorsFile;
import io.ballast.inference.store.WeightType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A copy says what the original says, and is another candidate. */
class CopiedModelsTest {
  @TempDir private Path folder;

  @Test
  void aCopyHasTheSameNumbersAndAnotherChecksum() throws IOException {
    Path original = Files.createDirectories(folder.resolve("original"));
    SafetensorsFile.write(
        original.resolve(ModelManifest.WEIGHTS),
        List.of(
            new SafetensorsFile.Content(
                "w", WeightType.FLOAT32, List.of(3L), () -> new float[] {1, 2, 3})),
        Map.of("format", "pt"));
    Files.writeString(original.resolve("config.json"), "{}");
    ModelStore store = new ModelStore(Files.createDirectories(folder.resolve("store")));
    CopiedModels.publish(store, original, "tiny", "copy-1");
    CopiedModels.publish(store, original, "tiny", "copy-2");
    Path copy = store.verified("tiny", "copy-1").folder();
    SafetensorsFile weights = SafetensorsFile.open(copy.resolve(ModelManifest.WEIGHTS));
    assertThat(weights.read("w", List.of(3L))).containsExactly(1, 2, 3);
    assertThat(weights.metadata()).containsEntry("copy", "copy-1").containsEntry("format", "pt");
    assertThat(copy.resolve("config.json")).hasContent("{}");
    assertThat(weightsOf(copy)).isNotEqualTo(weightsOf(store.verified("tiny", "copy-2").folder()));
  }

  private static String weightsOf(Path model) {
    return ModelManifest.read(model).orElseThrow().weightsSha256().orElseThrow();
  }
}
