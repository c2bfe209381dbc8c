package io.ballast.standalone;

import io.ballast.kit.file.OwnerOnly;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import org.eclipse.microprofile.config.Config;

/**
 * The folder of the process's log. Quarkus would make it, and the data folder above it, by the
 * umask, as it does each log file: others are kept out by the folder's mode alone.
 */
final class LogFolder {
  private static final String ENABLED = "quarkus.log.file.enabled";
  private static final String PATH = "quarkus.log.file.path";

  private LogFolder() {}

  /**
   * Makes the folder, and those above it that are missing, for its owner alone; leaves alone what
   * is there.
   *
   * @return whether it is there; not if nothing is logged to a file, or the folder cannot be made,
   *     which Quarkus says when it opens the log
   */
  static boolean make(Config config) {
    Optional<Path> folder =
        config
            .getOptionalValue(ENABLED, Boolean.class)
            .filter(enabled -> enabled)
            .flatMap(enabled -> config.getOptionalValue(PATH, String.class))
            .map(path -> Path.of(path).toAbsolutePath().getParent());
    if (folder.isEmpty()) {
      return false;
    }
    try {
      OwnerOnly.createFolders(folder.get());
      return true;
    } catch (IOException e) {
      return false;
    }
  }
}
