package io.ballast.inference.brought;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import io.ballast.inference.scoring.KeptScores;
import io.ballast.inference.store.ModelManifest;
import io.ballast.inference.store.ModelStore;
import io.ballast.inference.store.ModelStore.StoredModel;
import io.ballast.kit.call.PinnedVersion;
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
 * The brought ensembles in model folders. A folder that cannot be read is reported once and left
 * out; the others serve. Thread-safe.
 */
public final class BroughtFolders {
  private static final Logger LOG = LoggerFactory.getLogger(BroughtFolders.class);

  private final List<Path> roots;
  private final BroughtEngines engines;
  private final Set<String> reported = ConcurrentHashMap.newKeySet();

  /**
   * @param roots folders of {@code <name>/<version>/}; the first of equal names and versions wins
   * @param engines what computes members
   */
  public BroughtFolders(List<Path> roots, BroughtEngines engines) {
    this.roots = List.copyOf(roots);
    this.engines = engines;
  }

  /**
   * An ensemble.
   *
   * @param id name, version, and a checksum over the manifest, which names those of the members
   */
  public record Found(StoredModel folder, PinnedVersion id, BroughtManifest manifest) {}

  /** Looks through the folders. */
  public List<Found> list() {
    Map<String, StoredModel> folders = new TreeMap<>();
    for (Path root : roots) {
      for (StoredModel folder : new ModelStore(root).list()) {
        folders.putIfAbsent(folder.name() + "/" + folder.version(), folder);
      }
    }
    List<Found> found = new ArrayList<>();
    folders.values().stream()
        .filter(folder -> BroughtManifest.isIn(folder.folder()))
        .forEach(folder -> consider(folder).ifPresent(found::add));
    return List.copyOf(found);
  }

  private Optional<Found> consider(StoredModel folder) {
    try {
      ModelManifest files =
          ModelManifest.read(folder.folder())
              .orElseThrow(
                  () ->
                      new ModelException(
                          Reason.INVALID_FOLDER,
                          folder.folder().resolve(ModelManifest.FILE) + ": the file is missing"));
      files.verify(folder.folder());
      return Optional.of(
          new Found(
              folder,
              new PinnedVersion(folder.name(), folder.version(), files.contentSha256()),
              BroughtManifest.read(folder.folder())));
    } catch (ModelException e) {
      String flaw =
          "%s %s cannot be served: %s".formatted(folder.name(), folder.version(), e.getMessage());
      if (reported.add(flaw)) {
        LOG.error(flaw);
      }
      return Optional.empty();
    }
  }

  /**
   * Loads an ensemble, and has it score its golden items again.
   *
   * @throws ModelException as {@link BroughtScorer#open}; BROKEN if a golden score does not come
   *     out again; messages name models, not where they are
   */
  public BroughtScorer open(Found found) {
    try {
      GoldenItems golden = GoldenItems.read(found.folder().folder());
      BroughtScorer scorer = open(found.manifest());
      try {
        golden.check(scorer, found.folder().folder());
        return scorer;
      } catch (RuntimeException e) {
        scorer.close();
        throw e;
      }
    } catch (ModelException e) {
      throw withoutPaths(found, e);
    }
  }

  /**
   * What an ensemble said of its golden items when it was adopted; nothing is loaded.
   *
   * @throws ModelException INVALID_FOLDER if it keeps none, or not what it should be; messages name
   *     models, not where they are
   */
  public KeptScores golden(Found found) {
    try {
      return GoldenItems.read(found.folder().folder()).kept();
    } catch (ModelException e) {
      throw withoutPaths(found, e);
    }
  }

  /** Loads what a manifest names, without a look at golden items. */
  BroughtScorer open(BroughtManifest manifest) {
    return BroughtScorer.open(manifest, member -> folder(member).folder(), engines);
  }

  /**
   * Returns a member's folder.
   *
   * @throws ModelException INVALID_FOLDER if it is in none of the roots
   */
  StoredModel folder(BroughtMember member) {
    return ModelStore.find(roots, member.model(), member.version())
        .orElseThrow(
            () ->
                new ModelException(
                    Reason.INVALID_FOLDER,
                    member.id() + ": in none of the model folders; ./mesh pull brings models"));
  }

  private ModelException withoutPaths(Found found, ModelException e) {
    return new ModelException(
        e.reason(), withoutPaths(found.folder().withoutPath(String.valueOf(e.getMessage()))), e);
  }

  /** Callers over the network must not learn where a server keeps its files. */
  private String withoutPaths(String message) {
    String without = message;
    for (Path root : roots) {
      without = without.replace(root.toAbsolutePath() + "/", "").replace(root + "/", "");
    }
    return without;
  }
}
