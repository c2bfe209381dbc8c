package io.ballast.inference.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.store.SafetensorsFile.Content;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Weights in one file or many are one set of tensors, and what is wrong with it is named. */
class WeightFilesTest {
  private static final Pattern NOTHING = Pattern.compile("\\b\\B");

  @TempDir private Path folder;

  private void write(String file, String name, float... values) throws IOException {
    SafetensorsFile.write(
        folder.resolve(file),
        List.of(new Content(name, WeightType.FLOAT32, List.of((long) values.length), () -> values)),
        Map.of());
  }

  private void index(String map) throws IOException {
    Files.writeString(folder.resolve(WeightFiles.INDEX), "{\"weight_map\":" + map + "}");
  }

  private static List<Float> read(WeightFiles files, String name, long... shape) {
    List<Float> all = new ArrayList<>();
    files.readFinite(
        name,
        Arrays.stream(shape).boxed().toList(),
        (values, count, at) -> {
          for (int i = 0; i < count; i++) {
            all.add(values[i]);
          }
        });
    return all;
  }

  @Test
  void shardsAreReadAsOne() throws IOException {
    write("model-00001-of-00002.safetensors", "a", 1, 2);
    write("model-00002-of-00002.safetensors", "b", 3);
    index(
        "{\"a\":\"model-00001-of-00002.safetensors\",\"b\":\"model-00002-of-00002.safetensors\"}");
    WeightFiles files = WeightFiles.open(folder);
    assertThat(files.names()).containsExactlyInAnyOrder("a", "b");
    assertThat(read(files, "a", 2)).containsExactly(1f, 2f);
    assertThat(read(files, "b", 1)).containsExactly(3f);
    assertThat(files.shape("a")).containsExactly(2L);
  }

  private void assertRefused(String message) {
    assertThatThrownBy(() -> WeightFiles.open(folder))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining(message);
  }

  @Test
  void anIndexThatLiesIsRefused() throws IOException {
    write("x.safetensors", "a", 1);
    index("{\"a\":\"x.safetensors\",\"b\":\"x.safetensors\"}");
    assertRefused("x.safetensors: tensor b: missing, though the index says that it is here");
    write("y.safetensors", "c", 1);
    index("{\"a\":\"x.safetensors\",\"b\":\"y.safetensors\"}");
    assertRefused("y.safetensors: tensor c: not in the index");
    index("{\"a\":\"z.safetensors\"}");
    assertRefused("z.safetensors: the file is missing");
    index("{\"a\":\"../x.safetensors\"}");
    assertRefused(
        "weight_map.a: \"../x.safetensors\" (expected: a .safetensors file of this folder)");
    index("{}");
    assertRefused("weight_map: absent or empty");
    Files.writeString(folder.resolve(WeightFiles.INDEX), "{");
    assertRefused(WeightFiles.INDEX);
  }

  @Test
  void anEmptyFolderHasNoWeights() {
    assertRefused("model.safetensors: the file is missing");
  }

  @Test
  void namesThatDifferAreListed() throws IOException {
    write("model.safetensors", "a", 1);
    WeightFiles files = WeightFiles.open(folder);
    files.requireNames(Set.of("a"), NOTHING);
    files.requireNames(Set.of(), Pattern.compile("a"));
    assertThatThrownBy(() -> files.requireNames(Set.of("b", "c"), NOTHING))
        .isInstanceOf(ModelException.class)
        .hasMessageEndingWith("config.json disagree: missing [b, c]; unexpected [a]");
    Set<String> many = Set.of("1", "2", "3", "4", "5", "6", "7", "8", "9");
    assertThatThrownBy(() -> files.requireNames(many, NOTHING))
        .hasMessageContaining("missing [1, 2, 3, 4, 5, 6, 7, 8] and 1 more; unexpected [a]");
  }

  @Test
  void aNumberThatIsNotFiniteIsNamed() throws IOException {
    write("model.safetensors", "a", 1, 2, Float.NaN);
    WeightFiles files = WeightFiles.open(folder);
    assertThatThrownBy(() -> read(files, "a", 3))
        .isInstanceOf(ModelException.class)
        .hasMessageEndingWith("tensor a[2]: NaN (expected: finite)");
    assertThatThrownBy(() -> read(files, "a", 3, 1))
        .hasMessageEndingWith("tensor a: shape [3] (expected: [3, 1])");
  }

  @Test
  void shardsHaveOneChecksumTogether() throws IOException {
    write("x.safetensors", "a", 1);
    index("{\"a\":\"x.safetensors\"}");
    String before = ModelManifest.write(folder, Map.of()).weightsSha256().orElseThrow();
    assertThat(before).matches("[0-9a-f]{64}");
    assertThat(ModelManifest.weightsSha256Of(folder)).isEqualTo(before);
    Files.delete(folder.resolve(ModelManifest.FILE));
    assertThat(ModelManifest.weightsSha256Of(folder)).as("computed").isEqualTo(before);
    write("x.safetensors", "a", 2);
    assertThat(ModelManifest.weightsSha256Of(folder)).isNotEqualTo(before);
    assertThat(ModelManifest.write(folder, Map.of()).weightsSha256().orElseThrow())
        .isNotEqualTo(before);
  }

  @Test
  void withoutAManifestTheChecksumOfWeightsIsComputed() throws IOException {
    write("model.safetensors", "a", 1);
    String computed = ModelManifest.weightsSha256Of(folder);
    assertThat(ModelManifest.write(folder, Map.of()).weightsSha256()).contains(computed);
    Files.delete(folder.resolve(ModelManifest.FILE));
    Files.delete(folder.resolve("model.safetensors"));
    assertThatThrownBy(() -> ModelManifest.weightsSha256Of(folder))
        .isInstanceOf(ModelException.class)
        .hasMessageEndingWith("model.safetensors: the file is missing");
  }
}
