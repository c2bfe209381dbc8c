package io.ballast.inference.store;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A folder in which a version is written before it appears. A file beside it is locked by its
 * process for as long. The lock of a process that was killed is nobody's: by that its folder is
 * known as left over, whatever machine of a shared disk looks. Where the file system has no locks
 * nothing is known, and what was left stays.
 */
final class Staging implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Staging.class);
  private static final String LOCK = ".lock";

  /**
   * The lock files of this process. It never opens one of them twice: closing the second would end
   * the lock of the first (POSIX).
   */
  private static final Set<Path> OWN = ConcurrentHashMap.newKeySet();

  private final Path folder;
  private final Path lock;
  private final FileChannel channel;

  private Staging(Path folder, Path lock, FileChannel channel) {
    this.folder = folder;
    this.lock = lock;
    this.channel = channel;
  }

  /**
   * Begins an empty folder.
   *
   * @param parent of all such folders; created if absent
   */
  static Staging begin(Path parent) throws IOException {
    Path real = Files.createDirectories(parent).toRealPath();
    while (true) {
      Path folder = real.resolve(UUID.randomUUID().toString());
      Staging staging = new Staging(folder, lockOf(folder), openNew(lockOf(folder)));
      boolean begun = false;
      try {
        if (staging.takesLock()) {
          Files.createDirectory(folder);
          begun = true;
          return staging;
        }
      } finally {
        if (!begun) {
          staging.close();
        }
      }
    }
  }

  private static Path lockOf(Path folder) {
    return folder.resolveSibling(folder.getFileName() + LOCK);
  }

  private static FileChannel openNew(Path lock) throws IOException {
    OWN.add(lock);
    try {
      return FileChannel.open(lock, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
    } catch (IOException e) {
      OWN.remove(lock);
      throw e;
    }
  }

  /** False if another process took the file for left over before it was locked. */
  private boolean takesLock() {
    try {
      return channel.tryLock() != null && Files.exists(lock);
    } catch (IOException e) { // no locks here: then nobody else has one either
      LOG.debug("{}: {}", lock, e.toString());
      return true;
    }
  }

  /** The folder. */
  Path folder() {
    return folder;
  }

  /** Deletes the folder, if it is still there, and ends the lock. */
  @Override
  public void close() throws IOException {
    try (channel) {
      ModelStore.deleteAll(folder);
      Files.deleteIfExists(lock);
    } finally {
      OWN.remove(lock);
    }
  }

  /**
   * Deletes the folders of processes that are no more. What cannot be deleted stays, and is told in
   * the log.
   */
  static void deleteLeftOver(Path parent) {
    if (!Files.isDirectory(parent)) {
      return;
    }
    try {
      for (Path lock : locks(parent.toRealPath())) {
        if (!OWN.contains(lock)) {
          deleteIfLeftOver(lock);
        }
      }
    } catch (IOException | UncheckedIOException e) {
      LOG.warn("what was left over in {} stays: {}", parent, e.toString());
    }
  }

  private static List<Path> locks(Path parent) throws IOException {
    try (Stream<Path> files = Files.list(parent)) {
      return files.filter(file -> file.toString().endsWith(LOCK)).toList();
    }
  }

  private static void deleteIfLeftOver(Path lock) {
    String name = String.valueOf(lock.getFileName());
    Path folder = lock.resolveSibling(name.substring(0, name.length() - LOCK.length()));
    try (FileChannel channel = FileChannel.open(lock, StandardOpenOption.WRITE)) {
      if (channel.tryLock() != null) { // else somebody writes there
        ModelStore.deleteAll(folder);
        Files.deleteIfExists(lock);
        LOG.info("deleted {}, which a process that was killed had left", folder);
      }
    } catch (NoSuchFileException | OverlappingFileLockException e) {
      LOG.debug("{}: its process has just ended it, or another thread deletes it", folder);
    } catch (IOException | UncheckedIOException e) {
      LOG.warn("{} stays: {}", folder, e.toString());
    }
  }
}
