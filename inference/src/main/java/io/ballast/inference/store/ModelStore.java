package io.ballast.inference.store;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import io.ballast.kit.file.DurableMove;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Model folders under one root, {@code <name>/<version>/}. A version appears whole or not at all
 * and never changes. Safe for use by many threads and processes on one file system.
 */
public final class ModelStore {
  /** Names and versions: a letter or digit, then up to 127 letters, digits, {@code . _ -}. */
  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,127}");

  private static final String STAGING = ".staging";

  private final Path root;

  /** Binds a root, which need not exist before something is published. */
  public ModelStore(Path root) {
    this.root = root;
  }

  /** Writes the files of a version. */
  @FunctionalInterface
  public interface FolderWriter {
    /** Writes into {@code folder}, which exists and is empty. */
    void write(Path folder) throws IOException;
  }

  /** One version of a model. */
  public record StoredModel(String name, String version, Path folder) {
    /**
     * Returns {@code message} with {@code name/version} in place of this folder's path. A model's
     * failure names files by their path, which an operator needs; callers over the network must not
     * learn where a server keeps its files.
     */
    public String withoutPath(String message) {
      return message
          .replace(folder.toAbsolutePath().toString(), name + "/" + version)
          .replace(folder.toString(), name + "/" + version);
    }
  }

  /** Returns all versions, by name and then by version in the order of their characters. */
  public List<StoredModel> list() {
    return folders(root).stream()
        .flatMap(
            name ->
                folders(root.resolve(name)).stream()
                    .map(version -> new StoredModel(name, version, folder(name, version))))
        .toList();
  }

  private static List<String> folders(Path parent) {
    if (!Files.isDirectory(parent)) {
      return List.of();
    }
    try (Stream<Path> children = Files.list(parent)) {
      return children
          .filter(Files::isDirectory)
          .map(child -> String.valueOf(child.getFileName()))
          .filter(name -> NAME.matcher(name).matches())
          .sorted(Comparator.naturalOrder())
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * Returns a version's folder; empty if there is none.
   *
   * @throws IllegalArgumentException if a name could not be one of a folder here
   */
  public Optional<StoredModel> find(String name, String version) {
    requireName(name, "name");
    requireName(version, "version");
    Path folder = folder(name, version);
    return Files.isDirectory(folder)
        ? Optional.of(new StoredModel(name, version, folder))
        : Optional.empty();
  }

  /**
   * Returns a version's folder below the first of {@code roots} that has it; empty if none has.
   *
   * @throws IllegalArgumentException if a name could not be one of a folder
   */
  public static Optional<StoredModel> find(List<Path> roots, String name, String version) {
    return roots.stream()
        .flatMap(root -> new ModelStore(root).find(name, version).stream())
        .findFirst();
  }

  /**
   * Returns a version whose files are what its manifest says.
   *
   * @throws ModelException INVALID_FOLDER if the version, its manifest or a file is missing,
   *     CORRUPT_WEIGHTS if a checksum differs
   */
  public StoredModel verified(String name, String version) {
    StoredModel model =
        find(name, version)
            .orElseThrow(
                () ->
                    new ModelException(
                        Reason.INVALID_FOLDER, folder(name, version) + ": no such model version"));
    ModelManifest.read(model.folder())
        .orElseThrow(
            () ->
                new ModelException(
                    Reason.INVALID_FOLDER,
                    model.folder().resolve(ModelManifest.FILE) + ": the file is missing"))
        .verify(model.folder());
    return model;
  }

  /**
   * Deletes what processes that were killed have left of versions that they wrote; nothing of one
   * that runs. Publishing does so too. What cannot be deleted stays, and is told in the log.
   */
  public void deleteLeftOver() {
    Staging.deleteLeftOver(root.resolve(STAGING));
  }

  /**
   * Checks that a version could be published, by beginning one beside the models and deleting it.
   *
   * @throws IOException if it cannot be written
   */
  public void requireWritable() throws IOException {
    Staging.begin(root.resolve(STAGING)).close();
  }

  /**
   * Publishes a version: its files are written aside, listed in a manifest, and appear at once.
   *
   * @param writer writes all files but the manifest; one that it writes is replaced
   * @param notes kept in the manifest
   * @throws FileAlreadyExistsException if the version is there: versions do not change
   * @throws IllegalArgumentException if a name could not be one of a folder here
   */
  public StoredModel publish(
      String name, String version, FolderWriter writer, Map<String, String> notes)
      throws IOException {
    requireName(name, "name");
    requireName(version, "version");
    Path target = folder(name, version);
    if (Files.exists(target)) {
      throw new FileAlreadyExistsException(target.toString());
    }
    deleteLeftOver();
    try (Staging staging = Staging.begin(root.resolve(STAGING))) {
      writer.write(staging.folder());
      ModelManifest.write(staging.folder(), notes);
      DurableMove.createFolders(root.resolve(name));
      DurableMove.folder(staging.folder(), target);
    }
    return new StoredModel(name, version, target);
  }

  /** Deletes a folder with all that is in it, if it is there. */
  public static void deleteAll(Path folder) throws IOException {
    if (!Files.exists(folder)) {
      return;
    }
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(file);
      }
    }
  }

  private Path folder(String name, String version) {
    return root.resolve(name).resolve(version);
  }

  private static void requireName(String value, String what) {
    if (!NAME.matcher(value).matches()) {
      throw new IllegalArgumentException(
          what + ": \"" + value + "\" (expected: letters, digits, '.', '_', '-'; at most 128)");
    }
  }
}
