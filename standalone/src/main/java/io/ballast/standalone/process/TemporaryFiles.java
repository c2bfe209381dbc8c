package io.ballast.standalone.process;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The files that a process, and each library that it loads, needs for as long as it runs, in a
 * folder of its data. Some delete theirs when the process ends, which one that is killed does not
 * do: some 35 MB for each kill, so that the next one does it.
 */
final class TemporaryFiles {
  private static final Logger LOG = LoggerFactory.getLogger(TemporaryFiles.class);

  private TemporaryFiles() {}

  /**
   * Where the files of a process are.
   *
   * @param data the folder that a mesh writes to
   * @param name of the process: mesh, or a role
   */
  static Path folder(Path data, String name) {
    return data.resolve("tmp").resolve(name);
  }

  /**
   * Deletes what those before this process left, if its own files are in {@code data}; it must have
   * claimed it. In a folder of the machine others have theirs.
   */
  static void dropThoseOfTheDead(Path data) {
    Path folder = Path.of(System.getProperty("java.io.tmpdir")).toAbsolutePath().normalize();
    if (folder.startsWith(data.resolve("tmp").toAbsolutePath().normalize())) {
      Instant started = Instant.ofEpochMilli(ManagementFactory.getRuntimeMXBean().getStartTime());
      dropBefore(folder, started);
    }
  }

  /**
   * Deletes each file in {@code folder}, however deep, that was last changed before an instant, and
   * each folder that was and has nothing in it any more.
   */
  static void dropBefore(Path folder, Instant started) {
    try (Stream<Path> old =
        Files.find(
            folder,
            Integer.MAX_VALUE,
            (path, attributes) ->
                !path.equals(folder)
                    && attributes.lastModifiedTime().toInstant().isBefore(started))) {
      List<Path> all = old.toList();
      for (Path path : all.reversed()) { // what is in a folder before it
        drop(path);
      }
    } catch (IOException | UncheckedIOException e) {
      LOG.warn("what processes before left in {} stays: {}", folder, e.toString());
    }
  }

  private static void drop(Path path) {
    try {
      Files.deleteIfExists(path);
    } catch (DirectoryNotEmptyException e) {
      LOG.debug("{} is still in use", path);
    } catch (IOException e) {
      LOG.warn("what processes before left stays: {}", e.toString());
    }
  }
}
