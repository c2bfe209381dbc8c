package io.ballast.standalone.cli;

import java.nio.file.Files;
import java.nio.file.Path;

/** A file that somebody names on the command line. */
final class InputFile {
  private InputFile() {}

  /**
   * Returns {@code file} if it can be read.
   *
   * @throws CommandFailure wrong usage: it is not there, is a folder, or may not be read
   */
  static Path require(Path file) {
    if (!Files.isReadable(file) || Files.isDirectory(file)) {
      throw new CommandFailure(Exit.USAGE, "NO_SUCH_FILE", file + ": no file that can be read");
    }
    return file;
  }
}
