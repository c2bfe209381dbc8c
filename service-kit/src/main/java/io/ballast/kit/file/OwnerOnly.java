package io.ballast.kit.file;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.EnumSet;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Files and folders that nobody but their owner may read, from the moment that they are there. On a
 * file system without such permissions they are made without.
 */
public final class OwnerOnly {
  private static final Logger LOG = LoggerFactory.getLogger(OwnerOnly.class);
  private static final Set<PosixFilePermission> FILE = PosixFilePermissions.fromString("rw-------");
  private static final Set<PosixFilePermission> FOLDER =
      PosixFilePermissions.fromString("rwx------");
  private static final Set<PosixFilePermission> OTHERS =
      PosixFilePermissions.fromString("---rwxrwx");

  private OwnerOnly() {}

  /** Makes a folder that is missing, and those above it that are; leaves alone what is there. */
  public static Path createFolders(Path folder) throws IOException {
    return Files.createDirectories(folder, attributes(folder, FOLDER));
  }

  /**
   * Makes an empty file.
   *
   * @throws FileAlreadyExistsException if there is something of that name
   */
  public static Path createFile(Path file) throws IOException {
    return Files.createFile(file, attributes(file, FILE));
  }

  /**
   * Writes a file whole, as {@link #write(Path, byte[])} does.
   *
   * @param text in UTF-8
   */
  public static void write(Path file, String text) throws IOException {
    write(file, text.getBytes(StandardCharsets.UTF_8));
  }

  /**
   * Writes a file whole, in place of one of that name: whoever reads it, even after a power cut,
   * sees the old one or the new one. Not for several writers at once.
   */
  public static void write(Path file, byte[] bytes) throws IOException {
    Path written = file.resolveSibling(file.getFileName() + ".part");
    Files.deleteIfExists(written); // of a write that was cut off
    createFile(written);
    Files.write(written, bytes);
    DurableMove.file(written, file);
  }

  /** Whether anybody but the owner may read, write or enter what is at {@code path}. */
  public static boolean isOpenToOthers(Path path) throws IOException {
    return hasPermissions(path)
        && Files.getPosixFilePermissions(path).stream().anyMatch(OTHERS::contains);
  }

  /**
   * Takes from all but the owner what they may do with a file or a folder that is there. Where the
   * file system lets nobody do that, the log says so.
   */
  public static void close(Path path) {
    try {
      if (isOpenToOthers(path)) {
        Set<PosixFilePermission> left = EnumSet.copyOf(FOLDER);
        left.retainAll(Files.getPosixFilePermissions(path));
        Files.setPosixFilePermissions(path, left);
      }
    } catch (IOException e) {
      LOG.warn("{} stays open to other users of this machine: {}", path, e.toString());
    }
  }

  private static FileAttribute<?>[] attributes(Path path, Set<PosixFilePermission> permissions) {
    return hasPermissions(path)
        ? new FileAttribute<?>[] {PosixFilePermissions.asFileAttribute(permissions)}
        : new FileAttribute<?>[0];
  }

  private static boolean hasPermissions(Path path) {
    return path.getFileSystem().supportedFileAttributeViews().contains("posix");
  }
}
