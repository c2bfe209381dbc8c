package io.ballast.orchestrator.adapter;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * A folder of runs for TensorBoard: below it a folder for each run, {@code <name>-<8 digits of its
 * id>}, with one file of events.
 */
public final class EventFolder {
  private static final int SHORT_ID = 8;

  private final Path folder;

  /** The files to which this object has added, and that end with a whole record since. */
  private final Set<Path> whole = ConcurrentHashMap.newKeySet();

  /** Is below {@code folder}, which is created where it is missing. */
  public EventFolder(Path folder) {
    this.folder = folder;
  }

  /**
   * Whose events they are.
   *
   * @param name of the run, fit for a file
   * @param runId a UUID
   */
  public record RunKey(String name, String runId, Instant createdAt) {}

  /**
   * The numbers of an iteration.
   *
   * @param iteration from 1, the step
   * @param committedAt the wall time
   * @param scalars by tag, finite
   */
  public record Row(int iteration, Instant committedAt, Map<String, Double> scalars) {
    private byte[] record() {
      return EventRecords.scalars(iteration, committedAt, scalars);
    }
  }

  /** The file of a run; its name says when the run was created, as readers of such files expect. */
  public Path file(RunKey run) {
    return runFolder(run)
        .resolve(
            "events.out.tfevents.%010d.%s"
                .formatted(run.createdAt().getEpochSecond(), run.runId()));
  }

  private Path runFolder(RunKey run) {
    return folder.resolve(run.name() + "-" + run.runId().substring(0, SHORT_ID));
  }

  /** Writes the file of a run whole, in place of one that is there, and returns it. */
  public Path write(RunKey run, List<Row> rows) throws IOException {
    ByteArrayOutputStream events = new ByteArrayOutputStream();
    events.writeBytes(EventRecords.version(run.createdAt()));
    rows.forEach(row -> events.writeBytes(row.record()));
    Path next = Files.createDirectories(runFolder(run)).resolve("." + run.runId() + ".part");
    Files.write(next, events.toByteArray());
    return Files.move(
        next, file(run), StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
  }

  /**
   * Adds an iteration to the file of a run, and begins the file if there is none. What a write that
   * was cut off has left at its end is removed first: readers stop there.
   */
  public void append(RunKey run, Row row) throws IOException {
    Path file = file(run);
    if (Files.exists(file) && (whole.remove(file) || cutTornTail(file) > 0)) {
      add(file, row.record());
    } else {
      write(run, List.of(row));
    }
    whole.add(file);
  }

  /** Cuts {@code file} after its last whole record, and returns its length. */
  private static int cutTornTail(Path file) throws IOException {
    int length = EventRecords.wholeBytes(Files.readAllBytes(file));
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      channel.truncate(length);
    }
    return length;
  }

  private static void add(Path file, byte[] record) throws IOException {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      long end = channel.size();
      try {
        ByteBuffer rest = ByteBuffer.wrap(record);
        while (rest.hasRemaining()) {
          channel.write(rest, end + rest.position());
        }
      } catch (IOException e) {
        channel.truncate(end);
        throw e;
      }
    }
  }
}
