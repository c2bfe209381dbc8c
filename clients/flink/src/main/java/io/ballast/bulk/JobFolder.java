package io.ballast.bulk;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.apache.flink.util.FileUtils;

/**
 * The output's folder: committed files, which nobody changes any more, and below {@code _job} what
 * a job needs to go on. One process at a time has it.
 *
 * <p>Each start has a folder of its own for checkpoints. The newest start that has a whole one is
 * where the next goes on: a start's first checkpoint is whole before Flink deletes that which it
 * began from.
 */
final class JobFolder implements AutoCloseable {
  /**
   * What committed files' names begin with. Flink's names for files that are being written begin
   * with a dot.
   */
  static final String PREFIX = "scores";

  static final String SUFFIX = ".jsonl";

  private static final ObjectMapper JSON =
      JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();

  private final Path output;
  private final Path job;
  private final FileChannel channel;

  private JobFolder(Path output, Path job, FileChannel channel) {
    this.output = output;
    this.job = job;
    this.channel = channel;
  }

  /** Makes the folder if there is none, and takes it. */
  static JobFolder take(Path output) throws IOException, StoppedException {
    Path absolute = output.toAbsolutePath().normalize();
    Path job = absolute.resolve("_job");
    if (!Files.isDirectory(job) && !committed(absolute).isEmpty()) {
      throw new StoppedException(
          2,
          "%s has scores, but no _job folder to go on from (expected: another --output)"
              .formatted(output));
    }
    Files.createDirectories(job);
    FileChannel channel =
        FileChannel.open(job.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    FileLock lock = channel.tryLock();
    if (lock == null) {
      channel.close();
      throw new StoppedException(1, "another process works on " + output);
    }
    return new JobFolder(absolute, job, channel);
  }

  Path output() {
    return output;
  }

  /** Returns the committed files, by name. */
  List<Path> committed() throws IOException {
    return committed(output);
  }

  private static List<Path> committed(Path output) throws IOException {
    return listed(output).stream()
        .filter(
            file -> {
              String name = file.getFileName().toString();
              return name.startsWith(PREFIX) && name.endsWith(SUFFIX);
            })
        .toList();
  }

  private static List<Path> listed(Path folder) throws IOException {
    if (!Files.isDirectory(folder)) {
      return List.of();
    }
    try (Stream<Path> files = Files.list(folder)) {
      return files.sorted().toList();
    }
  }

  Optional<JobSpec> spec() throws IOException {
    return read("spec.json", JobSpec.class);
  }

  void keep(JobSpec spec) throws IOException {
    write("spec.json", spec);
  }

  Optional<Summary> summary() throws IOException {
    return read("summary.json", Summary.class);
  }

  /** Ends the job: it has its summary, and nothing to go on from. */
  void finish(Summary summary) throws IOException {
    write("summary.json", summary);
    for (Path attempt : attempts()) {
      FileUtils.deleteDirectoryQuietly(attempt.toFile()); // Flink may be at it, too
    }
    for (Path file : listed(output)) {
      // begun by a start that was killed, and begun again by the next
      if (file.getFileName().toString().startsWith("." + PREFIX)) {
        Files.delete(file);
      }
    }
  }

  private <T> Optional<T> read(String name, Class<T> type) throws IOException {
    Path file = job.resolve(name);
    return Files.exists(file) ? Optional.of(JSON.readValue(file.toFile(), type)) : Optional.empty();
  }

  private void write(String name, Object value) throws IOException {
    Path begun = job.resolve(name + ".begun");
    try (FileChannel file =
        FileChannel.open(
            begun,
            StandardOpenOption.CREATE,
            StandardOpenOption.WRITE,
            StandardOpenOption.TRUNCATE_EXISTING)) {
      file.write(ByteBuffer.wrap(JSON.writeValueAsBytes(value)));
      file.force(true);
    }
    Files.move(
        begun,
        job.resolve(name),
        StandardCopyOption.ATOMIC_MOVE,
        StandardCopyOption.REPLACE_EXISTING);
  }

  /** Returns the newest whole checkpoint. */
  Optional<Path> checkpoint() throws IOException {
    for (Path attempt : attempts().reversed()) {
      Optional<Path> newest =
          listed(attempt).stream()
              .filter(folder -> Files.exists(folder.resolve("_metadata")))
              .max(Comparator.comparingLong(JobFolder::number));
      if (newest.isPresent()) {
        return newest;
      }
    }
    return Optional.empty();
  }

  /** Returns a new folder for the checkpoints of one start. */
  Path newAttempt() throws IOException {
    List<Path> before = attempts();
    long number = before.isEmpty() ? 1 : number(before.getLast()) + 1;
    return Files.createDirectory(job.resolve("start-" + number));
  }

  private List<Path> attempts() throws IOException {
    return listed(job).stream()
        .filter(folder -> folder.getFileName().toString().startsWith("start-"))
        .sorted(Comparator.comparingLong(JobFolder::number))
        .toList();
  }

  /** The number that a folder's name ends with. */
  private static long number(Path folder) {
    String name = folder.getFileName().toString();
    return Long.parseLong(name.substring(name.lastIndexOf('-') + 1));
  }

  /** Whether a start was made before. */
  boolean startedBefore() throws IOException {
    return !attempts().isEmpty();
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
