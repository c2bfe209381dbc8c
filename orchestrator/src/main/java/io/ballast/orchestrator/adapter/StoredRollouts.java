package io.ballast.orchestrator.adapter;

import io.ballast.inference.store.ModelStore;
import io.ballast.orchestrator.core.run.RolloutFolders;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** Folders of sampled weights below the root that may be written. */
public final class StoredRollouts implements RolloutFolders {
  private final Path root;

  public StoredRollouts(Path root) {
    this.root = root;
  }

  @Override
  public void delete(String model, String version) {
    try {
      ModelStore.deleteAll(root.resolve(model).resolve(version));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public void deleteAll(String model, String prefix) {
    Path folder = root.resolve(model);
    if (!Files.isDirectory(folder)) {
      return;
    }
    List<String> versions;
    try (Stream<Path> folders = Files.list(folder)) {
      versions =
          folders
              .map(each -> String.valueOf(each.getFileName()))
              .filter(name -> name.startsWith(prefix))
              .toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    versions.forEach(version -> delete(model, version));
  }
}
