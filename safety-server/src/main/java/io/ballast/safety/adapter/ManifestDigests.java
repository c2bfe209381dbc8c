package io.ballast.safety.adapter;

import io.ballast.inference.store.ModelManifest;
import io.ballast.inference.store.ModelStore;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.safety.core.safetytest.ModelFolderDigests;
import java.nio.file.Path;
import java.util.List;

/** Digests of model folders as their manifests say; loading compares the files with them. */
public final class ManifestDigests implements ModelFolderDigests {
  private final List<Path> roots;

  /**
   * @param roots folders of {@code <name>/<version>/}, in the order of search
   */
  public ManifestDigests(List<Path> roots) {
    this.roots = List.copyOf(roots);
  }

  /** {@inheritDoc} A folder of other weights is not that of {@code version}. */
  @Override
  public String sha256(PinnedVersion version) {
    return ModelStore.find(roots, version.model(), version.version())
        .flatMap(stored -> ModelManifest.read(stored.folder()))
        .filter(
            manifest ->
                manifest.weightsSha256().filter(version.weightsSha256()::equals).isPresent())
        .map(ModelManifest::contentSha256)
        .orElse("");
  }
}
