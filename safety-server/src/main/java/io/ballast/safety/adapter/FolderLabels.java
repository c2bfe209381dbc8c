package io.ballast.safety.adapter;

import io.ballast.inference.store.DigestIndex;
import io.ballast.inference.store.ModelStore;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.safety.core.safetytest.LearnedLabels;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Labels of cost models in model folders, by the index beside their weights. */
public final class FolderLabels implements LearnedLabels {
  private final List<Path> roots;

  /**
   * @param roots folders of {@code <name>/<version>/}
   */
  public FolderLabels(List<Path> roots) {
    this.roots = List.copyOf(roots);
  }

  @Override
  public Optional<DigestIndex> of(PinnedVersion model) {
    return ModelStore.find(roots, model.model(), model.version())
        .map(stored -> stored.folder().resolve(DigestIndex.LABELS))
        .filter(Files::isRegularFile)
        .map(file -> read(file, model));
  }

  private static DigestIndex read(Path file, PinnedVersion model) {
    try {
      return DigestIndex.read(file);
    } catch (IOException e) {
      throw new MeshException(
          Fault.CORRUPT_WEIGHTS,
          "%s of %s %s cannot be read"
              .formatted(DigestIndex.LABELS, model.model(), model.version()),
          Map.of("model", model.model(), "version", model.version()));
    }
  }
}
