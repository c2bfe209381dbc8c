package io.ballast.policy.adapter.spool;

import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.policy.core.outage.Spool;
import io.ballast.policy.core.outage.Spooled;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The spool in a folder of this server, which is made when something first waits. Of the bytes that
 * it may take an eighth is for feedback alone: nobody gives that a second time. Of an event that
 * waits its key, id and fingerprint are in memory.
 */
public final class FileSpool implements Spool, AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(FileSpool.class);
  static final int SEGMENT_BYTES = 1 << 20;
  private static final int FEEDBACK_SHARE = 8;

  private final Path folder;
  private final long maxBytes;
  private final InstantSource clock;
  private final Map<Key, Kept> events = new ConcurrentHashMap<>();
  private volatile @Nullable SegmentLog opened;

  private record Key(String tenant, String key) {
    static Key of(Spooled.Feedback event) {
      return new Key(event.command().caller().tenant(), event.command().caller().idempotencyKey());
    }
  }

  /**
   * Reads what waits in {@code folder}, if it is there.
   *
   * @param maxBytes what its files may take together
   * @throws MeshException PRECONDITION_FAILED if it is there and cannot be used
   */
  public FileSpool(Path folder, long maxBytes, InstantSource clock) {
    this.folder = folder;
    this.maxBytes = maxBytes;
    this.clock = clock;
    if (Files.isDirectory(folder)) {
      try {
        SegmentLog log = log();
        if (log.waiting() > 0) {
          LOG.info("{} records in {} wait for the database", log.waiting(), folder);
        }
      } catch (IOException e) {
        throw unusable(e);
      }
    }
  }

  private MeshException unusable(IOException e) {
    return new MeshException(
        Fault.PRECONDITION_FAILED,
        "the folder %s, where decisions and feedback wait for the database, cannot be used: %s"
            .formatted(folder, e),
        e);
  }

  /**
   * Makes sure that something can wait here.
   *
   * @throws MeshException PRECONDITION_FAILED if not
   */
  public void prepare() {
    try {
      var unused = log();
    } catch (IOException e) {
      throw unusable(e);
    }
  }

  @Override
  public void keep(Spooled.Decision decision) {
    append(decision, maxBytes - maxBytes / FEEDBACK_SHARE);
  }

  @Override
  public Kept keep(Spooled.Feedback event) {
    return events.computeIfAbsent(
        Key.of(event),
        unused -> {
          append(event, maxBytes);
          return Kept.of(event);
        });
  }

  private void append(Spooled record, long limitBytes) {
    try {
      log().append(SpoolCodec.encode(record), clock.instant(), limitBytes);
    } catch (IOException e) {
      LOG.warn("the spool {} takes nothing: {}", folder, e.getMessage());
      throw new MeshException(
          Fault.DEPENDENCY_DOWN,
          "the database cannot be reached, and the disk of this server does not take what would"
              + " wait for it",
          e);
    }
  }

  @Override
  public Optional<Kept> waiting(String tenant, String key) {
    return Optional.ofNullable(events.get(new Key(tenant, key)));
  }

  @Override
  public Optional<Spooled> first() {
    SegmentLog log = opened;
    if (log == null) {
      return Optional.empty();
    }
    try {
      Optional<byte[]> first = log.first();
      return first.isEmpty() ? Optional.empty() : Optional.of(SpoolCodec.decode(first.get()));
    } catch (IOException e) {
      throw new UncheckedIOException("the spool %s: %s".formatted(folder, e.getMessage()), e);
    }
  }

  @Override
  public void remove(Spooled first) {
    SegmentLog log = opened;
    if (log == null) {
      return;
    }
    try {
      log.removeFirst();
    } catch (IOException e) {
      throw new UncheckedIOException("the spool %s: %s".formatted(folder, e.getMessage()), e);
    }
    if (first instanceof Spooled.Feedback event) {
      events.remove(Key.of(event));
    }
  }

  @Override
  public int waiting() {
    SegmentLog log = opened;
    return log == null ? 0 : log.waiting();
  }

  private SegmentLog log() throws IOException {
    SegmentLog log = opened;
    return log == null ? open() : log;
  }

  private synchronized SegmentLog open() throws IOException {
    SegmentLog log = opened;
    if (log == null) {
      try {
        log = SegmentLog.open(folder, SEGMENT_BYTES, this::index);
      } catch (UncheckedIOException e) {
        throw new IOException(e.getMessage(), e);
      }
      opened = log;
    }
    return log;
  }

  private void index(byte[] record) {
    try {
      if (SpoolCodec.decode(record) instanceof Spooled.Feedback event) {
        events.put(Key.of(event), Kept.of(event));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Shows how much waits, what it takes, and for how long it has. */
  public void register(MeterRegistry meters) {
    var unused =
        Gauge.builder("ballast.policy.spool.waiting", this, FileSpool::waiting).register(meters);
    unused = Gauge.builder("ballast.policy.spool.bytes", this, FileSpool::bytes).register(meters);
    unused =
        Gauge.builder("ballast.policy.spool.limit.bytes", maxBytes, Long::doubleValue)
            .strongReference(true)
            .register(meters);
    unused =
        Gauge.builder("ballast.policy.spool.oldest.seconds", this, FileSpool::oldestSeconds)
            .register(meters);
    unused =
        Gauge.builder("ballast.policy.spool.damaged", this, FileSpool::damaged).register(meters);
  }

  /** Files that were set aside; where the folder cannot be read, something else says so. */
  private double damaged() {
    try {
      return DamagedFile.in(folder).size();
    } catch (IOException e) {
      return Double.NaN;
    }
  }

  private double bytes() {
    SegmentLog log = opened;
    return log == null ? 0 : log.bytes();
  }

  private double oldestSeconds() {
    SegmentLog log = opened;
    Optional<Instant> oldest = log == null ? Optional.empty() : log.oldest();
    return oldest.map(at -> Duration.between(at, clock.instant()).toMillis() / 1e3).orElse(0.0);
  }

  @Override
  public synchronized void close() {
    SegmentLog log = opened;
    if (log != null) {
      try {
        log.close();
      } catch (IOException e) {
        LOG.warn("the spool {} did not close cleanly: {}", folder, e.getMessage());
      }
    }
  }
}
