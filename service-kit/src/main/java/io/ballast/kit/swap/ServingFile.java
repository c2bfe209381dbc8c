package io.ballast.kit.swap;

import java.io.IOException;
import java.io.Reader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A file with a line {@code NAME=VERSION} for each model whose serving version is to be another
 * than the server's properties say. It is read again and again while the server runs, so that a
 * version is swapped by replacing the file, as a mounted ConfigMap is. What cannot be turned to
 * stays where it is, and is tried again.
 */
public final class ServingFile implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(ServingFile.class);

  private final Path file;
  private final Function<Map<String, String>, Map<String, String>> turn;
  private final ScheduledExecutorService looks =
      Executors.newSingleThreadScheduledExecutor(
          Thread.ofPlatform().daemon().name("serving-file").factory());
  private volatile Map<String, String> flaws = Map.of();

  /**
   * @param turn makes these versions serve, by model, and returns what keeps models from being
   *     turned to theirs; models that are named no more go back to what the properties say
   */
  public ServingFile(Path file, Function<Map<String, String>, Map<String, String>> turn) {
    this.file = file;
    this.turn = turn;
  }

  /** Looks once. */
  public void look() {
    Map<String, String> found;
    try {
      found = turn.apply(read());
    } catch (IOException | RuntimeException e) { // what serves goes on serving
      found = Map.of(file.toString(), String.valueOf(e.getMessage()));
    }
    if (!found.equals(flaws)) {
      found.forEach((name, why) -> LOG.warn("{} does not serve as {} says: {}", name, file, why));
      flaws = found;
    }
  }

  private Map<String, String> read() throws IOException {
    Properties lines = new Properties();
    try (Reader reader = Files.newBufferedReader(file)) {
      lines.load(reader);
    }
    Map<String, String> versions = new TreeMap<>();
    for (String name : lines.stringPropertyNames()) {
      versions.put(name, lines.getProperty(name).strip());
    }
    return versions;
  }

  /** Looks from now on, each {@code interval}. */
  public void follow(Duration interval) {
    long nanos = interval.toNanos();
    var unused = looks.scheduleWithFixedDelay(this::look, nanos, nanos, TimeUnit.NANOSECONDS);
  }

  /** What keeps models from serving as the file says. */
  public Map<String, String> flaws() {
    return flaws;
  }

  @Override
  public void close() {
    looks.shutdownNow();
  }
}
