package io.ballast.kit.call;

import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * What is loaded of each version. It is loaded once, on a thread of its own, however many wait for
 * it, and lent to calls. When other weights of the same name and version are loaded, it is lent no
 * more and is closed when the last call that has it ends. Thread-safe.
 *
 * @param <S> what a version is when it is loaded
 */
public final class LoadedVersions<S> implements AutoCloseable {
  private final Consumer<S> closer;
  private final ReentrantLock lock = new ReentrantLock();
  private final Map<PinnedVersion, Entry<S>> entries = new HashMap<>();
  private boolean closed;

  /**
   * @param closer frees what was loaded; on a thread of its own unless all is closed
   */
  public LoadedVersions(Consumer<S> closer) {
    this.closer = closer;
  }

  /** One version, its fields guarded by the lock. Who loads it is its first user. */
  private static final class Entry<S> {
    private final CompletableFuture<S> loaded = new CompletableFuture<>();
    private int users = 1;
    private boolean retired;
    private boolean ended;
  }

  /** A version that stays open until this is closed; later closes do nothing. */
  public static final class Lease<S> implements AutoCloseable {
    private final S value;
    private final Runnable end;
    private final AtomicBoolean ended = new AtomicBoolean();

    private Lease(S value, Runnable end) {
      this.value = value;
      this.end = end;
    }

    /** What was loaded. */
    public S value() {
      return value;
    }

    @Override
    public void close() {
      if (ended.compareAndSet(false, true)) {
        end.run();
      }
    }
  }

  /**
   * Returns a version, after loading it if it is not.
   *
   * @param load what it throws, all who wait get; the next who asks tries again
   * @throws MeshException MODEL_LOADING if the caller's time is over first, or all is closed
   */
  public Lease<S> lease(PinnedVersion id, Supplier<S> load, CallPatience patience) {
    Entry<S> entry = enter(id, load);
    boolean lent = false;
    try {
      S value = await(id, entry.loaded, patience);
      lent = true;
      return new Lease<>(value, () -> leave(entry));
    } finally {
      if (!lent) {
        leave(entry);
      }
    }
  }

  private Entry<S> enter(PinnedVersion id, Supplier<S> load) {
    lock.lock();
    try {
      if (closed) {
        throw stopping();
      }
      Entry<S> entry = entries.get(id);
      if (entry == null) {
        Entry<S> begun = new Entry<>();
        var unused =
            Thread.ofPlatform()
                .daemon()
                .name("load-" + id.model() + "-" + id.version())
                .start(() -> load(id, begun, load));
        entries.put(id, begun); // only now: a thread that does not start leaves nothing behind
        entry = begun;
      }
      entry.users++;
      return entry;
    } finally {
      lock.unlock();
    }
  }

  private static MeshException stopping() {
    return new MeshException(Fault.MODEL_LOADING, "the server is stopping");
  }

  private void load(PinnedVersion id, Entry<S> entry, Supplier<S> load) {
    try {
      S value = load.get();
      retireOthers(id, entry);
      entry.loaded.complete(value);
    } catch (Throwable thrown) { // those who wait must hear of everything, of errors too
      lock.lock();
      try {
        entries.remove(id, entry);
      } finally {
        lock.unlock();
      }
      entry.loaded.completeExceptionally(thrown);
    } finally {
      leave(entry);
    }
  }

  /** What has this one's name and version, and other weights, is lent no more. */
  private void retireOthers(PinnedVersion id, Entry<S> entry) {
    List<Entry<S>> idle;
    lock.lock();
    try {
      idle = entry.retired ? List.of() : retire(id::differsInWeights);
    } finally {
      lock.unlock();
    }
    idle.forEach(this::end);
  }

  /**
   * Lends versions that are none any more to nobody else, and closes each after its last call.
   *
   * @param there whether a version is still one
   */
  public void retireUnless(Predicate<PinnedVersion> there) {
    List<Entry<S>> idle;
    lock.lock();
    try {
      idle = retire(there.negate());
    } finally {
      lock.unlock();
    }
    idle.forEach(this::end);
  }

  /** Takes versions out, the lock being held, and returns those that nobody uses. */
  private List<Entry<S>> retire(Predicate<PinnedVersion> which) {
    List<Entry<S>> idle = new ArrayList<>();
    for (Map.Entry<PinnedVersion, Entry<S>> each : List.copyOf(entries.entrySet())) {
      if (which.test(each.getKey())) {
        Entry<S> old = each.getValue();
        entries.remove(each.getKey());
        old.retired = true;
        if (old.users == 0) {
          idle.add(old);
        }
      }
    }
    return idle;
  }

  private void leave(Entry<S> entry) {
    boolean last;
    lock.lock();
    try {
      entry.users--;
      last = entry.retired && entry.users == 0;
    } finally {
      lock.unlock();
    }
    if (last) {
      end(entry);
    }
  }

  private void end(Entry<S> entry) {
    var unused = Thread.ofPlatform().daemon().name("close-version").start(() -> closeOnce(entry));
  }

  private void closeOnce(Entry<S> entry) {
    lock.lock();
    try {
      if (entry.ended || !entry.loaded.isDone() || entry.loaded.isCompletedExceptionally()) {
        return;
      }
      entry.ended = true;
    } finally {
      lock.unlock();
    }
    closer.accept(entry.loaded.join());
  }

  private static <S> S await(PinnedVersion id, CompletableFuture<S> loaded, CallPatience patience) {
    if (!loaded.isDone()) {
      waitFor(loaded, patience);
    }
    if (!loaded.isDone()) {
      throw new MeshException(
          Fault.MODEL_LOADING,
          "%s %s is being loaded; try again".formatted(id.model(), id.version()),
          Map.of("model", id.model(), "version", id.version()));
    }
    if (!loaded.isCompletedExceptionally()) {
      return loaded.join();
    }
    Throwable thrown = loaded.exceptionNow();
    if (thrown instanceof RuntimeException exception) {
      throw exception;
    }
    throw new IllegalStateException(id + ": " + thrown.getMessage(), thrown);
  }

  /** Waits until it is loaded, or the caller has no more time, or has left. */
  private static void waitFor(CompletableFuture<?> loaded, CallPatience patience) {
    CompletableFuture<@Nullable Void> left = new CompletableFuture<>();
    patience.onCancel(() -> left.complete(null));
    CompletableFuture<Object> either = CompletableFuture.anyOf(loaded, left);
    try {
      Optional<Long> nanos = patience.remaining().map(duration -> duration.toNanos());
      if (nanos.isPresent()) {
        var unused = either.get(nanos.get(), TimeUnit.NANOSECONDS);
      } else {
        var unused = either.get();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (ExecutionException | TimeoutException e) {
      // what became of it is read from it
    }
  }

  /** The versions that are loaded and lent. */
  public List<S> ready() {
    lock.lock();
    try {
      return entries.values().stream()
          .map(entry -> entry.loaded)
          .filter(loaded -> loaded.isDone() && !loaded.isCompletedExceptionally())
          .map(CompletableFuture::join)
          .toList();
    } finally {
      lock.unlock();
    }
  }

  /** Lends nothing more and closes what is loaded; what still loads is closed when it is. */
  @Override
  public void close() {
    List<Entry<S>> all;
    lock.lock();
    try {
      closed = true;
      all = List.copyOf(entries.values());
      entries.clear();
      all.forEach(entry -> entry.retired = true);
    } finally {
      lock.unlock();
    }
    all.forEach(this::closeOnce);
  }
}
