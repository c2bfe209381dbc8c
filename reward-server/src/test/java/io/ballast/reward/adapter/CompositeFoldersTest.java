package io.ballast.reward.adapter;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.inference.store.ModelManifest;
import io.ballast.inference.store.ModelStore;
import io.ballast.kit.digest.Sha256;
import io.ballast.reward.component.Composite;
import io.ballast.reward.testing.Composites;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Folders that are composites, whole and readable, are found; others are left out. */
class CompositeFoldersTest {
  private static final String GOOD =
      Composites.json("{'x': {'kind': 'regex', 'pattern': 'x'}}", "'x'");

  @TempDir Path root;
  @TempDir Path second;

  @Test
  void theFirstOfEqualNamesIsTakenAndItsFileIsWhatItIsKnownBy() throws IOException {
    publish(root, "mix", "1", GOOD);
    publish(second, "mix", "1", GOOD.replace("\"x\"}}", "\"y\"}}"));
    publish(second, "mix", "2", GOOD);
    Files.createDirectories(root.resolve("decoder/1"));

    List<Composite> found = new CompositeFolders(List.of(root, second)).look();

    assertThat(found)
        .extracting(each -> each.id().model() + "/" + each.id().version())
        .containsExactly("mix/1", "mix/2");
    assertThat(found.getFirst().id().weightsSha256())
        .isEqualTo(Sha256.of(root.resolve("mix/1/composite.json")));
  }

  @Test
  void whatIsDamagedOrWrongIsLeftOut() throws IOException {
    publish(root, "good", "1", GOOD);
    publish(root, "wrong", "1", GOOD.replace("regex", "oracle"));
    publish(root, "changed", "1", GOOD);
    Files.writeString(root.resolve("changed/1/composite.json"), GOOD + " ");
    publish(root, "bare", "1", GOOD);
    Files.delete(root.resolve("bare/1").resolve(ModelManifest.FILE));

    assertThat(new CompositeFolders(List.of(root)).look())
        .extracting(each -> each.id().model())
        .containsExactly("good");
  }

  private static void publish(Path root, String name, String version, String json)
      throws IOException {
    new ModelStore(root)
        .publish(
            name,
            version,
            folder -> Files.writeString(folder.resolve(CompositeFolders.FILE), json),
            Map.of());
  }
}
