package io.ballast.inference.triton;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.channels.FileLock;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
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

  /** Those of this JVM: opening one and closing it again would give up its lock. */
  private static final Set<Path> OWN = ConcurrentHashMap.newKeySet();

  private final Path path;
  private final FileChannel channel;

  private SharedMemoryFile(Path path, FileChannel channel) {
    this.path = path;
    this.channel = channel;
  }

  /** Creates an object of zeros. */
  static SharedMemoryFile create(Path folder, long bytes) {
    // locked before it has a name that others look for
    Path fresh = folder.resolve("." + PREFIX + UUID.randomUUID());
    Path path = folder.resolve(fresh.getFileName().toString().substring(1));
    OWN.add(path);
    try {
      FileChannel channel =
          FileChannel.open(
              fresh,
              StandardOpenOption.CREATE_NEW,
              StandardOpenOption.READ,
              StandardOpenOption.WRITE);
      FileLock lock = channel.lock();
      channel.truncate(0);
      channel.write(java.nio.ByteBuffer.allocate(1), bytes - 1);
      Files.move(fresh, path, StandardCopyOption.ATOMIC_MOVE);
      LOG.debug("created {} with {}", path, lock);
      return new SharedMemoryFile(path, channel);
    } catch (IOException e) {
      OWN.remove(path);
      throw new UncheckedIOException(
          "%s: no room for %,d bytes of shared memory".formatted(folder, bytes), e);
    }
  }

  String name() {
    return path.getFileName().toString();
  }

  MemorySegment map(Arena arena) {
    try {
      return channel.map(MapMode.READ_WRITE, 0, channel.size(), arena);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
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
        if (!OWN.contains(path) && isLeft(path)) {
          Files.deleteIfExists(path);
          names.add(path.getFileName().toString());
        }
      }
    } catch (IOException e) {
      LOG.warn("{}: shared memory of ended processes may stay behind: {}", folder, e.toString());
    }
    return names;
  }

  private static boolean isLeft(Path path) throws IOException {
    try (FileChannel channel = FileChannel.open(path, StandardOpenOption.WRITE);
        FileLock lock = channel.tryLock()) {
      return lock != null;
    } catch (NoSuchFileException | java.nio.file.AccessDeniedException e) {
      return false; // another's
    }
  }
}
