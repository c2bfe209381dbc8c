package io.ballast.policy.adapter.spool;

import io.ballast.policy.core.outage.Spooled;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.OptionalLong;
import java.util.stream.Stream;

/**
 * A file of a spool that was set aside because a part of it is damaged, and what is whole in it.
 *
 * <p><b>What is behind the damage.</b> A damaged record is skipped by its own length, if a record
 * or the end of the file follows there. Where it does not, the next whole record is searched for,
 * byte by byte, and this and all that follow count as searched for: inside the damaged one may
 * stand what a user wrote, and that may be made to look like records.
 */
public final class DamagedFile {
  static final String SUFFIX = ".damaged";

  /** What a file is called afterwards, in place of {@link #SUFFIX}. */
  private static final String REPLAYED = ".replayed";

  private final Path path;
  private final ByteBuffer bytes;
  private final List<Whole> records = new ArrayList<>();
  private OptionalLong damage = OptionalLong.empty();
  private int unknown;

  /** Where a whole record lies. */
  private record Whole(int at, boolean searched, boolean isEvent) {}

  private DamagedFile(Path path, ByteBuffer bytes) {
    this.path = path;
    this.bytes = bytes;
  }

  /**
   * The damaged files of a spool, in their order; none if there is no such folder.
   *
   * @throws IOException if the folder cannot be read
   */
  public static List<Path> in(Path folder) throws IOException {
    if (!Files.isDirectory(folder)) {
      return List.of();
    }
    try (Stream<Path> files = Files.list(folder)) {
      return files
          .filter(
              path ->
                  path.getFileName().toString().matches("[0-9]{19}\\.spool\\.damaged(-[0-9]+)?"))
          .sorted()
          .toList();
    }
  }

  /**
   * Reads a file; changes nothing.
   *
   * @throws IOException if it cannot be read
   */
  public static DamagedFile read(Path path) throws IOException {
    DamagedFile file = new DamagedFile(path, ByteBuffer.wrap(Files.readAllBytes(path)));
    file.look();
    return file;
  }

  /** {@code path}, or where a file is in its place the first of {@code path-2}, -3 that is free. */
  static Path free(Path path) {
    Path free = path;
    for (int i = 2; Files.exists(free); i++) {
      free = path.resolveSibling(path.getFileName() + "-" + i);
    }
    return free;
  }

  private void look() {
    int size = bytes.capacity();
    if (size < SegmentFile.HEADER_BYTES || bytes.getLong(0) != SegmentFile.HEADER) {
      damage = OptionalLong.of(0);
    }
    boolean searched = false;
    int at = SegmentFile.HEADER_BYTES;
    while (at < size) {
      if (SegmentFile.isWhole(bytes, at)) {
        take(at, searched);
        at += length(at);
        continue;
      }
      if (damage.isEmpty()) {
        damage = OptionalLong.of(at);
      }
      if (isFollowed(at)) {
        at += length(at);
      } else {
        searched = true;
        do {
          at++;
        } while (at < size && !SegmentFile.isWhole(bytes, at));
      }
    }
  }

  private int length(int at) {
    return SegmentFile.RECORD_BYTES + bytes.getInt(at);
  }

  /** Whether the end, or a whole record, is where a damaged record says that it ends. */
  private boolean isFollowed(int at) {
    int left = bytes.capacity() - at - SegmentFile.RECORD_BYTES;
    if (left < 0) {
      return false;
    }
    int payloadBytes = bytes.getInt(at);
    return payloadBytes >= 0
        && payloadBytes <= Math.min(left, SegmentFile.MAX_PAYLOAD_BYTES)
        && (payloadBytes == left || SegmentFile.isWhole(bytes, at + length(at)));
  }

  private void take(int at, boolean searched) {
    try {
      Spooled record = SpoolCodec.decode(payload(at));
      records.add(new Whole(at, searched, record instanceof Spooled.Feedback));
    } catch (IOException | RuntimeException e) { // whole, and of a later release, or made up
      unknown++;
    }
  }

  private byte[] payload(int at) {
    byte[] payload = new byte[bytes.getInt(at)];
    bytes.get(at + SegmentFile.RECORD_BYTES, payload);
    return payload;
  }

  public Path path() {
    return path;
  }

  /** How long it is. */
  public long sizeBytes() {
    return bytes.capacity();
  }

  /** The first byte that is no whole record's; empty: all of it is whole. */
  public OptionalLong damage() {
    return damage;
  }

  /**
   * How many decisions are whole.
   *
   * @param searched of those that were searched for, or else of the others
   */
  public int decisions(boolean searched) {
    return (int) records.stream().filter(r -> r.searched() == searched && !r.isEvent()).count();
  }

  /**
   * How many events of feedback are whole.
   *
   * @param searched of those that were searched for, or else of the others
   */
  public int events(boolean searched) {
    return (int) records.stream().filter(r -> r.searched() == searched && r.isEvent()).count();
  }

  /** How many records are whole and not known here, such as those of a later release. */
  public int unknown() {
    return unknown;
  }

  /**
   * How many records a replay leaves: those that are unknown, and those that were searched for.
   *
   * @param searched whether it takes these too
   */
  public int left(boolean searched) {
    return unknown + (searched ? 0 : decisions(true) + events(true));
  }

  /**
   * Puts what is whole behind what waits in the spool of the file's folder, from where the
   * policy-server brings it into the database when it starts; then, if nothing is {@link #left} in
   * it, the file is called otherwise, so that nobody is told of it again. What is in the database
   * already changes nothing there.
   *
   * @param searched whether also what was searched for
   * @return where the file is then
   * @throws IOException if the spool cannot be written, or a server uses it; the file stays as it
   *     is, and may be replayed again
   */
  public Path replay(boolean searched) throws IOException {
    Path folder = Objects.requireNonNull(path.toAbsolutePath().getParent(), "a file is in one");
    try (SegmentLog log = SegmentLog.open(folder, FileSpool.SEGMENT_BYTES, _ -> {})) {
      for (Whole record : records) {
        if (searched || !record.searched()) {
          Instant since = Instant.ofEpochMilli(bytes.getLong(record.at() + 2 * Integer.BYTES));
          log.append(payload(record.at()), since, Long.MAX_VALUE);
        }
      }
      if (left(searched) > 0) {
        return path;
      }
      String name = String.valueOf(path.getFileName()).replace(SUFFIX, REPLAYED);
      return Files.move(path, free(path.resolveSibling(name)));
    }
  }
}
