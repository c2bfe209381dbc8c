package io.ballast.reward.adapter;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.store.ModelManifest;
import io.ballast.inference.store.ModelStore;
import io.ballast.inference.store.ModelStore.StoredModel;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.reward.component.Composite;
import io.ballast.reward.component.CompositeFlaw;
import io.ballast.reward.component.CompositeSource;
import io.ballast.reward.component.RecipeReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Composites in model folders: {@code <name>/<version>/composite.json} with its manifest. A folder
 * that cannot be used is reported once and left out; the others serve.
 */
public final class CompositeFolders implements CompositeSource {
  /** The file that makes a folder a composite. */
  public static final String FILE = "composite.json";

  private static final Logger LOG = LoggerFactory.getLogger(CompositeFolders.class);

  private final List<Path> roots;
  private final Set<String> reported = ConcurrentHashMap.newKeySet();

  /**
   * @param roots folders of {@code <name>/<version>/}; the first of equal names and versions wins
   */
  public CompositeFolders(List<Path> roots) {
    this.roots = List.copyOf(roots);
  }

  @Override
  public List<Composite> look() {
    Map<String, StoredModel> folders = new TreeMap<>();
    for (Path root : roots) {
      for (StoredModel folder : new ModelStore(root).list()) {
        folders.putIfAbsent(folder.name() + "/" + folder.version(), folder);
      }
    }
    List<Composite> composites = new ArrayList<>();
    folders.values().forEach(folder -> consider(folder).ifPresent(composites::add));
    return composites;
  }

  private Optional<Composite> consider(StoredModel folder) {
    Path file = folder.folder().resolve(FILE);
    if (!Files.isRegularFile(file)) {
      return Optional.empty(); // another kind of model
    }
    try {
      ModelManifest manifest =
          ModelManifest.read(folder.folder())
              .orElseThrow(() -> new CompositeFlaw(ModelManifest.FILE, "the file is missing"));
      manifest.verify(folder.folder());
      String sha256 = manifest.checksums().get(FILE);
      if (sha256 == null) {
        throw new CompositeFlaw(ModelManifest.FILE, "does not list " + FILE);
      }
      return Optional.of(
          new Composite(
              new PinnedVersion(folder.name(), folder.version(), sha256),
              RecipeReader.read(Files.readString(file))));
    } catch (IOException | ModelException | CompositeFlaw e) {
      String flaw =
          "composite %s %s cannot be served: %s"
              .formatted(
                  folder.name(),
                  folder.version(),
                  folder.withoutPath(String.valueOf(e.getMessage())));
      if (reported.add(flaw)) {
        LOG.error(flaw);
      }
      return Optional.empty();
    }
  }
}
