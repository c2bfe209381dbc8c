package io.ballast.orchestrator.adapter;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.torch.Arithmetic;
import io.ballast.inference.torch.FrozenDecoder;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;

/**
 * Frozen decoders of this process, each once however many trainees use it: loaded for the first,
 * freed with the last. While one is loaded, others are there to be used.
 */
final class SharedBases {
  private final Arithmetic arithmetic;
  private final Function<Path, FrozenDecoder> loader;
  private final ReentrantLock lock = new ReentrantLock();
  private final Map<Path, Base> bases = new HashMap<>(); // guarded by the lock

  SharedBases(Arithmetic arithmetic) {
    this(arithmetic, folder -> FrozenDecoder.load(folder, arithmetic));
  }

  /**
   * @param loader reads a folder's decoder in {@code arithmetic}
   */
  SharedBases(Arithmetic arithmetic, Function<Path, FrozenDecoder> loader) {
    this.arithmetic = arithmetic;
    this.loader = loader;
  }

  /** In what numbers all of them are computed. */
  Arithmetic arithmetic() {
    return arithmetic;
  }

  private static final class Base {
    private final CompletableFuture<FrozenDecoder> decoder = new CompletableFuture<>();
    private int leases; // guarded by the lock
  }

  /** The use of a decoder by one trainee. */
  final class Lease implements AutoCloseable {
    private final Path folder;
    private final Base base;
    private final FrozenDecoder decoder;
    private boolean closed; // guarded by the lock

    private Lease(Path folder, Base base, FrozenDecoder decoder) {
      this.folder = folder;
      this.base = base;
      this.decoder = decoder;
    }

    /** The decoder; there until this is closed. */
    FrozenDecoder decoder() {
      return decoder;
    }

    @Override
    public void close() {
      lock.lock();
      try {
        if (closed) {
          return;
        }
        closed = true;
        if (--base.leases > 0) {
          return;
        }
        bases.remove(folder, base);
      } finally {
        lock.unlock();
      }
      decoder.close();
    }
  }

  /**
   * Returns the use of the decoder in {@code folder}, which never changes; waits while another
   * caller loads it.
   *
   * @throws ModelException INVALID_FOLDER, CORRUPT_WEIGHTS; all who wait for it get the same
   */
  Lease lease(Path folder) {
    Base base;
    boolean first;
    lock.lock();
    try {
      Base there = bases.get(folder);
      first = there == null;
      base = there == null ? new Base() : there;
      if (first) {
        bases.put(folder, base);
      }
      base.leases++;
    } finally {
      lock.unlock();
    }
    return new Lease(folder, base, first ? loaded(folder, base) : awaited(folder, base));
  }

  private FrozenDecoder loaded(Path folder, Base base) {
    try {
      FrozenDecoder decoder = loader.apply(folder);
      base.decoder.complete(decoder);
      return decoder;
    } catch (RuntimeException | Error e) { // an Error too: those who wait for it must hear of it
      lock.lock();
      try {
        bases.remove(folder, base);
      } finally {
        lock.unlock();
      }
      base.decoder.completeExceptionally(e);
      throw e;
    }
  }

  private static FrozenDecoder awaited(Path folder, Base base) {
    try {
      return base.decoder.join();
    } catch (CompletionException e) {
      if (e.getCause() instanceof ModelException known) {
        throw new ModelException(known.reason(), String.valueOf(known.getMessage()), known);
      }
      throw new IllegalStateException(folder + " could not be loaded", e.getCause());
    }
  }
}
