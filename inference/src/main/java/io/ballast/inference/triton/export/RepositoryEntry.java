package io.ballast.inference.triton.export;

import io.ballast.inference.store.ModelManifest;
import io.ballast.inference.store.ModelStore;
import io.ballast.kserve.v2.ModelConfig;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import java.util.Objects;

/**
 * A model of a Triton repository under construction: {@code <name>/config.pbtxt} and a folder for
 * each version. It appears whole or not at all, and replaces nothing.
 */
final class RepositoryEntry implements AutoCloseable {
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
   */
  static RepositoryEntry begin(Path repository, String name) throws IOException {
    Path target = repository.resolve(name);
    if (Files.exists(target)) {
      throw new FileAlreadyExistsException(target.toString());
    }
    Files.createDirectories(repository);
    return new RepositoryEntry(target, Files.createTempDirectory(repository, "." + name));
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
    Files.move(staged, target, StandardCopyOption.ATOMIC_MOVE);
    return target;
  }

  /** Deletes what did not appear. */
  @Override
  public void close() throws IOException {
    ModelStore.deleteAll(staged);
  }
}
