package io.ballast.inference.triton;

import io.ballast.inference.triton.TritonException.Reason;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A shared-memory object of this process: a file in the folder where the system keeps them. It is
 * locked for as long as the process lives, so that others can tell one that a crash left behind.
 */
final class SharedMemoryFile {
  /** How the names of all our objects begin. */
  static final String PREFIX = "ballast-kserve-";

  private static final Logger LOG = LoggerFactory.getLogger(SharedMemoryFile.class);

  private static final int CHUNK_BYTES = 1 << 20;
  private static final Set<StandardOpenOption> CREATION =
      EnumSet.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.READ, StandardOpenOption.WRITE);

  /** Those of this JVM: opening one and closing it again would give up its lock. */
  private static final Set<Path> OWN = ConcurrentHashMap.newKeySet();

  private final Path path;
  private final FileChannel channel;

  private SharedMemoryFile(Path path, FileChannel channel) {
    this.path = path;
    this.channel = channel;
  }

  /**
   * Creates an object of zeros. They are written, all of them: a hole would end the process later,
   * where there is no room when it is filled.
   *
   * @throws TritonException NOT_HERE if there is no room for it, or it cannot be made; nothing is
   *     left of it then
   */
  static SharedMemoryFile create(Path folder, long bytes) {
    requireRoom(folder, bytes);
    while (true) {
      Path path = folder.resolve(PREFIX + UUID.randomUUID());
      OWN.add(path);
      SharedMemoryFile file = null;
      try {
        file = new SharedMemoryFile(path, FileChannel.open(path, CREATION));
        if (file.lock()) {
          file.fill(bytes);
          return file;
        }
        file.delete(); // before it was locked another process took it for left behind
      } catch (IOException e) {
        if (file != null) {
          file.delete();
        }
        OWN.remove(path);
        throw new TritonException(
            Reason.NOT_HERE,
            "%s: no %,d bytes of shared memory: %s".formatted(folder, bytes, e),
            e);
      }
    }
  }

  private static void requireRoom(Path folder, long bytes) {
    long room;
    try {
      room = Files.getFileStore(folder).getUsableSpace();
    } catch (IOException e) {
      throw new TritonException(Reason.NOT_HERE, folder + ": no shared memory: " + e, e);
    }
    if (bytes > room) {
      throw new TritonException(
          Reason.NOT_HERE,
          "%s: no room for %,d bytes of shared memory: %,d are free"
              .formatted(folder, bytes, room));
    }
  }

  /** Locks it for as long as this process lives; false if it has gone meanwhile. */
  private boolean lock() throws IOException {
    FileLock lock = channel.lock();
    LOG.debug("{}: {}", path, lock);
    return Files.exists(path);
  }

  private void fill(long bytes) throws IOException {
    ByteBuffer zeros = ByteBuffer.allocateDirect((int) Math.min(bytes, CHUNK_BYTES));
    for (long position = 0; position < bytes; ) {
      zeros.clear().limit((int) Math.min(bytes - position, zeros.capacity()));
      position += channel.write(zeros, position);
    }
  }

  String name() {
    return path.getFileName().toString();
  }

  /**
   * Returns its bytes.
   *
   * @throws TritonException NOT_HERE if this process has no addresses left for them
   */
  MemorySegment map(Arena arena) {
    try {
      return channel.map(MapMode.READ_WRITE, 0, channel.size(), arena);
    } catch (IOException e) {
      throw new TritonException(Reason.NOT_HERE, path + ": not mapped: " + e, e);
    }
  }

  void delete() {
    try (channel) {
      Files.deleteIfExists(path);
    } catch (IOException e) {
      LOG.warn("{} stays behind: {}", path, e.toString());
    } finally {
      OWN.remove(path);
    }
  }

  /** Deletes what processes that have ended left in {@code folder}, and returns their names. */
  static List<String> deleteLeft(Path folder) {
    List<String> names = new ArrayList<>();
    try (DirectoryStream<Path> files = Files.newDirectoryStream(folder, PREFIX + "*")) {
      for (Path path : files) {
        if (!OWN.contains(path) && deleteIfLeft(path)) {
          names.add(path.getFileName().toString());
        }
      }
    } catch (IOException | DirectoryIteratorException e) {
      LOG.warn("{}: shared memory of ended processes may stay behind: {}", folder, e.toString());
    }
    return names;
  }

  /** Deletes it while it is locked: its maker, who may not have locked it yet, sees it gone. */
  private static boolean deleteIfLeft(Path path) throws IOException {
    try (FileChannel channel = FileChannel.open(path, StandardOpenOption.WRITE);
        FileLock lock = channel.tryLock()) {
      return lock != null && Files.deleteIfExists(path);
    } catch (NoSuchFileException | AccessDeniedException | OverlappingFileLockException e) {
      return false; // another's
    }
  }
}
