package io.ballast.bulk;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/** Finds the files of a data set. */
final class Inputs {
  private Inputs() {}

  /**
   * Returns all files at and below {@code paths}, but for those whose names begin with a dot or an
   * underscore, with their rows counted.
   *
   * @throws StoppedException if there is none, or two have one name
   */
  static List<InputFile> list(List<Path> paths) throws IOException, StoppedException {
    List<InputFile> files = new ArrayList<>();
    Set<String> names = new HashSet<>();
    for (Path path : paths) {
      Path root = path.toAbsolutePath().normalize();
      if (!Files.exists(root)) {
        throw new StoppedException(2, "--input: %s is not there".formatted(path));
      }
      try (Stream<Path> all = Files.walk(root)) {
        for (Path file : all.filter(Files::isRegularFile).sorted().toList()) {
          String name =
              file.equals(root) ? file.getFileName().toString() : root.relativize(file).toString();
          if (hidden(root, file)) {
            continue;
          }
          if (!names.add(name)) {
            throw new StoppedException(
                2,
                "--input: two files are called %s (expected: the folder above both)"
                    .formatted(name));
          }
          long[] rows = {0};
          long bytes = Files.size(file);
          NumberedLines.visit(file.toString(), bytes, line -> rows[0]++);
          files.add(new InputFile(name, file.toString(), bytes, rows[0]));
        }
      }
    }
    if (files.isEmpty()) {
      throw new StoppedException(2, "--input: no file at %s".formatted(paths));
    }
    return files;
  }

  private static boolean hidden(Path root, Path file) {
    Path below = file.equals(root) ? file.getFileName() : root.relativize(file);
    for (Path name : below) {
      if (name.toString().startsWith(".") || name.toString().startsWith("_")) {
        return true;
      }
    }
    return false;
  }

  /** Refuses inputs that are others than when the job began. */
  static void unchanged(List<InputFile> inputs) throws IOException, StoppedException {
    for (InputFile file : inputs) {
      Path path = Path.of(file.path());
      if (!Files.exists(path)) {
        throw new StoppedException(4, "%s is gone, which the job began with".formatted(path));
      }
      if (Files.size(path) != file.bytes()) {
        throw new StoppedException(
            4,
            "%s: %,d bytes (expected: %,d, as when the job began)"
                .formatted(path, Files.size(path), file.bytes()));
      }
    }
  }
}
