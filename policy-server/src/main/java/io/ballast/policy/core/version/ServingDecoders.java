package io.ballast.policy.core.version;

import io.ballast.inference.api.Decoder;
import io.ballast.inference.api.DecoderStatistics;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The decoders that are loaded, counted by reference.
 *
 * <p>A version that an alias points to is <em>kept</em>: loaded before the alias turns to it (at a
 * start only when it is first used), and retired when the alias leaves it. A retired decoder closes
 * when its last lease ends, so a swap fails no call. Any other version is loaded when a call pins
 * it; of those at most {@code maxPinned} stay, and the one that was idle longest makes room. If all
 * of them are busy the call is refused.
 *
 * <p>If the loader has not the memory for a version, pinned ones that nobody uses are unloaded, the
 * one that was idle longest first, until it has. One that is kept never is: people who ask for an
 * alias neither wait for a load nor are refused because a trainer asked for something else.
 *
 * <p>Loading and closing happen outside the lock; calls for one version share one load.
 */
public final class ServingDecoders implements AutoCloseable {
  private final DecoderLoader loader;
  private final int maxPinned;
  private final ReentrantLock lock = new ReentrantLock();
  private final Map<PinnedVersion, Entry> entries = new HashMap<>();
  private long useCount;
  private boolean closed;

  /**
   * @param maxPinned the most loaded versions that no alias points to, at least 1
   */
  public ServingDecoders(DecoderLoader loader, int maxPinned) {
    this.loader = loader;
    this.maxPinned = maxPinned;
  }

  /**
   * Loads {@code version} unless it is, and keeps it until as many {@link #retire} calls.
   *
   * @return the digest of the folder that it was loaded from, as {@link LoadedDecoder} says it
   */
  public String keep(PinnedVersion version) {
    Claim claim = claim(version, true);
    try (Lease lease = await(claim)) {
      return lease.folderSha256();
    } catch (RuntimeException e) {
      retire(version);
      throw e;
    }
  }

  /** Keeps {@code version} as {@link #keep} does, but leaves the load to who first uses it. */
  public void keepUnloaded(PinnedVersion version) {
    lock.lock();
    try {
      requireOpen();
      entries.computeIfAbsent(version, Entry::new).keeps++;
    } finally {
      lock.unlock();
    }
  }

  /** Ends one {@link #keep}: the decoder closes when its last lease does. */
  public void retire(PinnedVersion version) {
    Entry idle = null;
    lock.lock();
    try {
      Entry entry = entries.get(version);
      if (entry != null && entry.keeps > 0 && --entry.keeps == 0) {
        entries.remove(version);
        entry.retired = true;
        idle = entry.leases == 0 ? entry : null;
      }
    } finally {
      lock.unlock();
    }
    if (idle != null) {
      idle.closeDecoder();
    }
  }

  /** The digest of the folder that {@code version} was loaded from; empty if it is not loaded. */
  public Optional<String> folderSha256(PinnedVersion version) {
    lock.lock();
    try {
      return Optional.ofNullable(entries.get(version))
          .filter(Entry::isReady)
          .map(entry -> entry.decoder.join().folderSha256());
    } finally {
      lock.unlock();
    }
  }

  /**
   * Lets go of a decoder that was loaded from a folder of this digest: whoever asks from now on
   * loads it again. It closes when its last lease ends.
   */
  public void reload(PinnedVersion version, String folderSha256) {
    Entry idle = null;
    lock.lock();
    try {
      Entry entry = entries.get(version);
      if (entry != null
          && entry.isReady()
          && entry.decoder.join().folderSha256().equals(folderSha256)) {
        renew(entry);
        idle = entry.leases == 0 ? entry : null;
      }
    } finally {
      lock.unlock();
    }
    if (idle != null) {
      idle.closeDecoder();
    }
  }

  /** Returns a lease if {@code version} is loaded, without loading it. */
  public Optional<Lease> acquireLoaded(PinnedVersion version) {
    lock.lock();
    try {
      Entry entry = entries.get(version);
      if (entry == null || !entry.isReady()) {
        return Optional.empty();
      }
      return Optional.of(lease(entry));
    } finally {
      lock.unlock();
    }
  }

  /**
   * Returns a lease, loading {@code version} first if need be.
   *
   * @throws MeshException OVERLOADED if as many pinned versions as may be are loaded and busy; as
   *     {@link DecoderLoader#load}
   */
  public Lease acquire(PinnedVersion version) {
    return await(claim(version, false));
  }

  /** How many decoders are loaded or loading, those that wait for their last lease left out. */
  public int loadedCount() {
    lock.lock();
    try {
      return (int) entries.values().stream().filter(entry -> entry.started).count();
    } finally {
      lock.unlock();
    }
  }

  /** Returns what every loaded decoder has done and has under way. */
  public List<DecoderStatistics> statistics() {
    List<Decoder> decoders = new ArrayList<>();
    lock.lock();
    try {
      for (Entry entry : entries.values()) {
        if (entry.isReady()) {
          decoders.add(entry.decoder.join().decoder());
        }
      }
    } finally {
      lock.unlock();
    }
    return decoders.stream().map(Decoder::statistics).toList();
  }

  /** Closes every idle decoder, and the others when their leases end. */
  @Override
  public void close() {
    List<Entry> idle = new ArrayList<>();
    lock.lock();
    try {
      closed = true;
      for (Entry entry : entries.values()) {
        entry.retired = true;
        if (entry.leases == 0) {
          idle.add(entry);
        }
      }
      entries.clear();
    } finally {
      lock.unlock();
    }
    idle.forEach(Entry::closeDecoder);
  }

  private Claim claim(PinnedVersion version, boolean keep) {
    Entry evicted = null;
    Claim claim;
    lock.lock();
    try {
      requireOpen();
      Entry entry = entries.get(version);
      if (entry == null) {
        evicted = keep ? null : makeRoom();
        entry = new Entry(version);
        entries.put(version, entry);
      }
      entry.leases++;
      entry.lastUse = ++useCount;
      if (keep) {
        entry.keeps++;
      }
      claim = new Claim(entry, !entry.started);
      entry.started = true;
    } finally {
      lock.unlock();
    }
    if (evicted != null) {
      evicted.closeDecoder();
    }
    return claim;
  }

  private Lease await(Claim claim) {
    Entry entry = claim.entry();
    if (claim.mustLoad()) {
      try {
        entry.decoder.complete(load(entry.version));
      } catch (Throwable e) { // whatever it is, those who wait for this load must hear of it
        entry.decoder.completeExceptionally(e);
      }
    }
    try {
      return new Lease(entry.version, entry.decoder.join(), () -> release(entry));
    } catch (CompletionException e) {
      forget(entry);
      release(entry);
      if (e.getCause() instanceof MeshException known) {
        throw new MeshException(known.fault(), String.valueOf(known.getMessage()), known);
      }
      throw e;
    }
  }

  /** Loads, and unloads what nobody uses for as long as memory is short. */
  private LoadedDecoder load(PinnedVersion version) {
    while (true) {
      try {
        return loader.load(version);
      } catch (MeshException e) {
        Entry idle = e.fault() == Fault.OVERLOADED ? takeIdle() : null;
        if (idle == null) {
          throw e;
        }
        idle.closeDecoder();
      }
    }
  }

  /** Takes out the pinned version that was idle longest; null if none is. */
  private @Nullable Entry takeIdle() {
    lock.lock();
    try {
      Entry idle = longestIdle();
      if (idle != null) {
        takeOut(idle);
      }
      return idle;
    } finally {
      lock.unlock();
    }
  }

  private @Nullable Entry longestIdle() {
    return entries.values().stream()
        .filter(e -> e.keeps == 0 && e.leases == 0 && e.isReady())
        .min(Comparator.comparingLong(e -> e.lastUse))
        .orElse(null);
  }

  private void takeOut(Entry entry) {
    entries.remove(entry.version);
    entry.retired = true;
  }

  private void requireOpen() {
    if (closed) {
      throw new MeshException(Fault.MODEL_LOADING, "the policy-server is shutting down");
    }
  }

  private Lease lease(Entry entry) {
    entry.leases++;
    entry.lastUse = ++useCount;
    return new Lease(entry.version, entry.decoder.join(), () -> release(entry));
  }

  private void release(Entry entry) {
    boolean last;
    lock.lock();
    try {
      entry.leases--;
      last = entry.leases == 0 && entry.retired;
    } finally {
      lock.unlock();
    }
    if (last) {
      entry.closeDecoder();
    }
  }

  /** Takes an entry whose load failed out of the map, so that the next call tries again. */
  private void forget(Entry entry) {
    lock.lock();
    try {
      renew(entry);
    } finally {
      lock.unlock();
    }
  }

  /** What keeps an entry keeps the one that follows it, which nobody has loaded yet. */
  private void renew(Entry entry) {
    if (!entry.retired && entries.remove(entry.version, entry) && entry.keeps > 0) {
      Entry again = new Entry(entry.version);
      again.keeps = entry.keeps;
      entries.put(entry.version, again);
    }
    entry.retired = true;
  }

  /** Returns the pinned entry that has to go for another to come, or null if there is room. */
  private @Nullable Entry makeRoom() {
    List<Entry> pinned = entries.values().stream().filter(e -> e.keeps == 0).toList();
    if (pinned.size() < maxPinned) {
      return null;
    }
    Entry victim = longestIdle();
    if (victim == null) {
      throw new MeshException(
          Fault.OVERLOADED,
          "%d pinned versions are loaded and busy, limit %d".formatted(pinned.size(), maxPinned),
          Map.of("limit", Integer.toString(maxPinned)));
    }
    takeOut(victim);
    return victim;
  }

  private record Claim(Entry entry, boolean mustLoad) {}

  /** One version that is loaded or loading. All fields but the future are guarded by the lock. */
  private static final class Entry {
    private final PinnedVersion version;
    private final CompletableFuture<LoadedDecoder> decoder = new CompletableFuture<>();
    private int leases;
    private int keeps;
    private long lastUse;
    private boolean retired;

    /** Whether somebody loads it, or has. */
    private boolean started;

    private Entry(PinnedVersion version) {
      this.version = version;
    }

    private boolean isReady() {
      return decoder.isDone() && !decoder.isCompletedExceptionally();
    }

    private void closeDecoder() {
      if (isReady()) {
        decoder.join().decoder().close();
      }
    }
  }
}
