package io.ballast.policy.adapter.spool;

import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.kit.file.OwnerOnly;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A queue of byte records in the files of a folder. An append returns once the record is on the
 * disk; appends that come while the disk is busy share the next flush. A file is deleted when none
 * of its records is wanted any more, so a crash brings back at most what was taken from the files
 * that are there. Thread-safe; one process uses a folder at a time.
 *
 * <p><b>What a crash leaves.</b> The last file may end in a part of a record: nobody was told that
 * it was kept, and it is cut off. In an earlier file that cannot be, for each was flushed before
 * the next was begun, nor can a whole record follow what is none. There it is damage, so the file
 * is kept beside the log before it is cut.
 */
final class SegmentLog implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(SegmentLog.class);

  private final Path folder;
  private final int segmentBytes;
  private final FileLock claim;

  /** Guards all below; taken after {@link #flushing} where both are. */
  private final ReentrantLock lock = new ReentrantLock();

  private final Deque<SegmentFile.Place> waiting = new ArrayDeque<>();
  private final List<SegmentFile> segments = new ArrayList<>();
  private @Nullable SegmentFile current;
  private @Nullable IOException broken;
  private long nextSegment = 1;
  private long bytes;
  private long written;
  private long flushed;

  /** Held by whoever flushes, for all who wait. */
  private final ReentrantLock flushing = new ReentrantLock();

  private SegmentLog(Path folder, int segmentBytes, FileLock claim) {
    this.folder = folder;
    this.segmentBytes = segmentBytes;
    this.claim = claim;
  }

  /**
   * Opens the log in {@code folder}, which is made if it is not there.
   *
   * @param segmentBytes a file that has so many is the last one's no more
   * @param records is told of each record that waits, in their order
   * @throws IOException if the folder cannot be read and written, or another process uses it
   */
  static SegmentLog open(Path folder, int segmentBytes, Consumer<byte[]> records)
      throws IOException {
    OwnerOnly.createFolders(folder);
    syncFolder(folder.resolve("..")); // else a crash may take the folder with all that is in it
    SegmentLog log = new SegmentLog(folder, segmentBytes, claim(folder));
    try {
      log.read(records);
      return log;
    } catch (IOException | RuntimeException e) {
      log.close();
      throw e;
    }
  }

  /** One process has the folder as long as the lock's channel is open. */
  private static FileLock claim(Path folder) throws IOException {
    FileChannel channel =
        FileChannel.open(
            folder.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    try {
      FileLock claimed = channel.tryLock();
      if (claimed != null) {
        return claimed;
      }
    } catch (OverlappingFileLockException e) {
      LOG.debug("{} is used by another server of this process", folder);
    }
    channel.close();
    throw new IOException(folder + " is used by another server");
  }

  private void read(Consumer<byte[]> records) throws IOException {
    List<Path> paths;
    try (Stream<Path> files = Files.list(folder)) {
      paths =
          files
              .filter(path -> path.getFileName().toString().matches("[0-9]{19}\\.spool"))
              .sorted()
              .toList();
    }
    for (Path path : paths) {
      boolean last = path.equals(paths.getLast());
      adopt(
          SegmentFile.open(
              path,
              (place, payload) -> {
                waiting.addLast(place);
                records.accept(payload);
              },
              (cut, bytes, torn) -> {
                if (last && torn) {
                  sayTorn(cut, bytes);
                } else {
                  keepDamaged(cut, bytes);
                }
              }));
    }
    if (!paths.isEmpty()) {
      String name = String.valueOf(paths.getLast().getFileName());
      nextSegment =
          Long.parseLong(name.substring(0, name.length() - SegmentFile.SUFFIX.length())) + 1;
    }
    written = waiting.size();
    flushed = written;
  }

  private static void sayTorn(Path path, long bytes) {
    LOG.warn(
        "{}: the last {} bytes are no whole record, as a crash leaves them, and are cut off; nobody"
            + " was told that they were kept",
        path,
        bytes);
  }

  private static void keepDamaged(Path path, long bytes) throws IOException {
    Path copy = DamagedFile.free(path.resolveSibling(path.getFileName() + DamagedFile.SUFFIX));
    Files.copy(path, copy);
    LOG.error(
        "{}: {} bytes from a damaged record on cannot be read; the whole file is kept as {};"
            + " ./mesh spool damaged shows what is whole in it",
        path,
        bytes,
        copy);
  }

  private void adopt(SegmentFile segment) throws IOException {
    if (segment.isEmpty()) {
      segment.delete();
    } else {
      segments.add(segment);
      bytes += segment.length();
    }
  }

  /**
   * Appends a record; returns once it is on the disk.
   *
   * @param limitBytes what all files may take together with it
   * @throws MeshException DEPENDENCY_DOWN if they would take more
   * @throws IOException if the disk does not take it
   */
  void append(byte[] payload, Instant at, long limitBytes) throws IOException {
    long number;
    lock.lock();
    try {
      if (broken != null) {
        throw new IOException("an earlier write failed: " + broken.getMessage(), broken);
      }
      long needed = SegmentFile.RECORD_BYTES + payload.length;
      if (bytes + needed > limitBytes) {
        throw new MeshException(
            Fault.DEPENDENCY_DOWN,
            "the database cannot be reached, and what waits for it fills its %,d bytes of disk"
                .formatted(limitBytes));
      }
      SegmentFile segment = writable();
      waiting.addLast(segment.append(payload, at));
      bytes += needed;
      number = ++written;
    } finally {
      lock.unlock();
    }
    flush(number);
  }

  private SegmentFile writable() throws IOException {
    SegmentFile open = current;
    if (open != null && open.length() < segmentBytes) {
      return open;
    }
    if (open != null) {
      try {
        open.sync();
      } catch (IOException e) {
        broken = e;
        throw e;
      }
      flushed = written;
    }
    SegmentFile next = SegmentFile.create(folder, nextSegment++);
    segments.add(next);
    bytes += next.length();
    current = next;
    return next;
  }

  /** Returns once the {@code number}th record of this process is on the disk. */
  private void flush(long number) throws IOException {
    flushing.lock();
    try {
      SegmentFile segment;
      long upTo;
      lock.lock();
      try {
        if (flushed >= number) {
          return;
        }
        if (broken != null) {
          throw new IOException("a flush failed: " + broken.getMessage(), broken);
        }
        segment = current;
        upTo = written;
      } finally {
        lock.unlock();
      }
      if (segment != null) {
        flush(segment, upTo);
      }
    } finally {
      flushing.unlock();
    }
  }

  /** After a flush that failed nobody knows what the disk has: no record is taken any more. */
  private void flush(SegmentFile segment, long upTo) throws IOException {
    IOException failure = null;
    try {
      segment.sync();
    } catch (IOException e) {
      failure = e;
    }
    lock.lock();
    try {
      if (failure != null) {
        broken = failure;
        throw failure;
      }
      flushed = Math.max(flushed, upTo);
    } finally {
      lock.unlock();
    }
  }

  /** The record that has waited longest. */
  Optional<byte[]> first() throws IOException {
    lock.lock();
    try {
      SegmentFile.Place place = waiting.peekFirst();
      return place == null ? Optional.empty() : Optional.of(place.segment().read(place));
    } finally {
      lock.unlock();
    }
  }

  /** Forgets the record that has waited longest, and its file if it was the last of it. */
  void removeFirst() throws IOException {
    flushing.lock();
    lock.lock();
    try {
      SegmentFile.Place place = waiting.removeFirst();
      SegmentFile segment = place.segment();
      if (segment.forgetOne() && (!segment.equals(current) || waiting.isEmpty())) {
        forget(segment);
      }
    } finally {
      lock.unlock();
      flushing.unlock();
    }
  }

  private void forget(SegmentFile segment) throws IOException {
    segments.remove(segment);
    bytes -= segment.length();
    if (segment.equals(current)) {
      current = null;
      flushed = written; // it is where it was to go
    }
    if (waiting.isEmpty()) {
      broken = null; // what the disk failed to keep is kept elsewhere by now
    }
    segment.delete();
  }

  int waiting() {
    lock.lock();
    try {
      return waiting.size();
    } finally {
      lock.unlock();
    }
  }

  /** What all files take. */
  long bytes() {
    lock.lock();
    try {
      return bytes;
    } finally {
      lock.unlock();
    }
  }

  /** Since when what has waited longest waits. */
  Optional<Instant> oldest() {
    lock.lock();
    try {
      return Optional.ofNullable(waiting.peekFirst()).map(SegmentFile.Place::at);
    } finally {
      lock.unlock();
    }
  }

  /** What waits stays in the files. */
  @Override
  public void close() throws IOException {
    flushing.lock();
    lock.lock();
    try {
      broken = new IOException("the spool is closed");
      for (SegmentFile segment : segments) {
        segment.close();
      }
      claim.acquiredBy().close();
    } finally {
      lock.unlock();
      flushing.unlock();
    }
  }

  /** Makes sure that the names of new files are on the disk too. */
  static void syncFolder(Path folder) throws IOException {
    try (FileChannel opened = FileChannel.open(folder, StandardOpenOption.READ)) {
      opened.force(true);
    }
  }
}
