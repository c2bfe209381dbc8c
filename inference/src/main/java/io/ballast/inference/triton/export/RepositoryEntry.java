package io.ballast.inference.triton.export;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.store.ModelManifest;
import io.ballast.inference.store.ModelStore;
import io.ballast.kit.file.DurableMove;
import io.ballast.kserve.v2.ModelConfig;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Pattern;

/**
 * A model of a Triton repository under construction: {@code <name>/config.pbtxt} and a folder for
 * each version. It appears whole or not at all, and replaces nothing. It is written beside the
 * repository, where that can be: Triton takes whatever folder it finds in a repository for a model,
 * and does not start if it is none.
 */
final class RepositoryEntry implements AutoCloseable {
  /** As {@link ModelStore} calls models; Triton would take more, and paths are made of it. */
  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,127}");

  /** What the notes begin with that say where a version came from; its number follows. */
  static final String SOURCE = "version_";

  private final Path target;
  private final Path staged;

  private RepositoryEntry(Path target, Path staged) {
    this.target = target;
    this.staged = staged;
  }

  /**
   * Begins an entry.
   *
   * @param repository created if absent
   * @throws FileAlreadyExistsException if the repository has a model of this name
   * @throws IllegalArgumentException if a model could not be called so
   */
  static RepositoryEntry begin(Path repository, String name) throws IOException {
    Path target = target(repository, name);
    if (Files.exists(target, LinkOption.NOFOLLOW_LINKS)) {
      throw new FileAlreadyExistsException(target.toString());
    }
    if (!Files.isDirectory(repository)) {
      Files.createDirectories(repository);
    }
    return new RepositoryEntry(target, Files.createTempDirectory(aside(repository), "." + name));
  }

  /**
   * Finds an entry that appeared before.
   *
   * @param sources the notes that say where its versions came from
   * @return its folder; empty if the repository has nothing of this name
   * @throws FileAlreadyExistsException if what has the name has other versions, or is no entry
   * @throws IllegalArgumentException if a model could not be called so
   * @throws ModelException INVALID_FOLDER, CORRUPT_WEIGHTS if a file is missing or another
   */
  static Optional<Path> find(Path repository, String name, Map<String, String> sources)
      throws FileAlreadyExistsException {
    Path target = target(repository, name);
    if (!Files.exists(target, LinkOption.NOFOLLOW_LINKS)) {
      return Optional.empty();
    }
    Optional<ModelManifest> manifest = ModelManifest.read(target);
    Map<String, String> found = new TreeMap<>();
    manifest.ifPresent(written -> found.putAll(written.notes()));
    found.keySet().removeIf(note -> !note.startsWith(SOURCE));
    if (!found.equals(sources)) {
      throw new FileAlreadyExistsException(
          target.toString(), null, "%s (expected: %s)".formatted(found, new TreeMap<>(sources)));
    }
    manifest.ifPresent(written -> written.verify(target));
    return Optional.of(target);
  }

  private static Path target(Path repository, String name) {
    if (!NAME.matcher(name).matches()) {
      throw new IllegalArgumentException(
          "name: \"%s\" (expected: letters, digits, '.', '_', '-'; at most 128)".formatted(name));
    }
    return repository.resolve(name);
  }

  /** The repository's parent; the repository itself if nothing can be moved from there. */
  private static Path aside(Path repository) throws IOException {
    Path real = repository.toRealPath();
    Path parent = real.getParent();
    return parent != null
            && Files.isWritable(parent)
            && Files.getFileStore(parent).equals(Files.getFileStore(real))
        ? parent
        : real;
  }

  /** Returns a version's folder, created. */
  Path version(long number) throws IOException {
    return Files.createDirectories(staged.resolve(Long.toString(number)));
  }

  /** Copies one of our Python files into a version's folder. */
  void python(long version, String resource, String file) throws IOException {
    try (InputStream in =
        Objects.requireNonNull(
            RepositoryEntry.class.getResourceAsStream(resource), () -> "no resource " + resource)) {
      Files.copy(in, version(version).resolve(file));
    }
  }

  /**
   * Writes the configuration and the checksums, and lets the entry appear.
   *
   * @param notes kept beside the checksums
   */
  Path finish(ModelConfig config, Map<String, String> notes) throws IOException {
    Files.writeString(staged.resolve("config.pbtxt"), ModelConfigs.text(config));
    var unused = ModelManifest.write(staged, notes);
    Files.setPosixFilePermissions(staged, PosixFilePermissions.fromString("rwxr-xr-x"));
    DurableMove.folder(staged, target);
    return target;
  }

  /** Deletes what did not appear. */
  @Override
  public void close() throws IOException {
    ModelStore.deleteAll(staged);
  }
}
