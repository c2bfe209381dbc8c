package io.ballast.kit.file;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Comparator;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * What was written aside takes its name at once, and is there under it after a power cut: the disk
 * has what is in it before, and the name before a method returns. So what a database then says is
 * there, is there.
 */
public final class DurableMove {
  private DurableMove() {}

  /**
   * Lets a folder appear under another name of its file system.
   *
   * @throws FileAlreadyExistsException if there is something of that name
   */
  public static void folder(Path staged, Path target) throws IOException {
    try (Stream<Path> all = Files.walk(staged)) {
      for (Path each : all.sorted(Comparator.reverseOrder()).toList()) {
        if (Files.isRegularFile(each) || Files.isDirectory(each)) {
          sync(each);
        }
      }
    }
    try {
      Files.move(staged, target, StandardCopyOption.ATOMIC_MOVE);
    } catch (FileSystemException e) {
      if (Files.exists(target)) {
        FileAlreadyExistsException exists = new FileAlreadyExistsException(target.toString());
        exists.initCause(e);
        throw exists;
      }
      throw e;
    }
    syncNames(target.toAbsolutePath().getParent());
  }

  /** Lets a file appear under another name of its file system, in place of one that has it. */
  public static void file(Path written, Path target) throws IOException {
    sync(written);
    Files.move(
        written, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    syncNames(target.toAbsolutePath().getParent());
  }

  /** Creates a folder that is missing, and those above it that are, to move something there. */
  public static void createFolders(Path folder) throws IOException {
    Path absolute = folder.toAbsolutePath();
    Path parent = absolute.getParent();
    if (parent == null || Files.isDirectory(absolute)) {
      return;
    }
    createFolders(parent);
    Files.createDirectories(absolute); // somebody else may have been quicker
    syncNames(parent);
  }

  /** Sees to it that the disk has the names in a folder; in none: nothing. */
  public static void syncNames(@Nullable Path folder) throws IOException {
    if (folder != null) {
      sync(folder);
    }
  }

  private static void sync(Path path) throws IOException {
    OpenOption how = Files.isDirectory(path) ? StandardOpenOption.READ : StandardOpenOption.WRITE;
    try (FileChannel channel = FileChannel.open(path, how)) {
      channel.force(true);
    }
  }
}
