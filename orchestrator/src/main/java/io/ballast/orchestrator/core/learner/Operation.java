package io.ballast.orchestrator.core.learner;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.NotFiniteException;
import io.ballast.kit.error.MeshException;
import io.ballast.kit.redaction.Wordless;
import io.ballast.orchestrator.core.Faults;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Work of a session that a caller may wait for, or come back to.
 *
 * @param <T> what it comes to
 */
public final class Operation<T> {
  private static final Logger LOG = LoggerFactory.getLogger(Operation.class);

  /** Where an operation stands. */
  public enum State {
    /** In the session's queue, or under way. */
    RUNNING,
    /** Done; there is a result. */
    SUCCEEDED,
    /** Failed; there is a failure. */
    FAILED,
    /** Taken back before it began. */
    CANCELLED
  }

  private enum Progress {
    WAITING,
    BEGUN,
    TAKEN_BACK
  }

  private final String session;
  private final String id;
  private final CompletableFuture<T> result = new CompletableFuture<>();
  private final AtomicReference<Progress> progress = new AtomicReference<>(Progress.WAITING);

  private final Runnable unsuccessful;

  Operation(String session, String id) {
    this(session, id, () -> {});
  }

  /**
   * @param session whose work it is, for the log
   * @param id a UUID
   * @param unsuccessful run once if it fails or is taken back, before those who wait hear of it
   */
  Operation(String session, String id, Runnable unsuccessful) {
    this.session = session;
    this.id = id;
    this.unsuccessful = unsuccessful;
  }

  /** Its id, a UUID. */
  public String id() {
    return id;
  }

  /** Does the work unless it was taken back. Whatever happens, those who wait hear of it. */
  void run(Supplier<T> work) {
    if (!progress.compareAndSet(Progress.WAITING, Progress.BEGUN)) {
      return;
    }
    try {
      result.complete(work.get());
    } catch (NotFiniteException e) {
      // the session's own numbers are what its caller's losses and rates have made of them
      fail(Faults.precondition(String.valueOf(e.getMessage())));
    } catch (ModelException e) {
      // the causes name files, which callers are not told; an engine of ours quotes no text
      LOG.warn("session {}, operation {} failed", session, id, Wordless.causesOf(e));
      fail(Faults.of(e));
    } catch (MeshException | CancellationException e) {
      fail(e);
    } catch (Throwable e) { // an Error too: nobody must wait for ever
      LOG.error("session {}, operation {}: a bug", session, id, Wordless.of(e));
      fail(e);
    }
  }

  private void fail(Throwable e) {
    unsuccessful.run();
    result.completeExceptionally(e);
  }

  /** Takes the work back if it has not begun; weights are never left half updated. */
  public void cancel() {
    if (progress.compareAndSet(Progress.WAITING, Progress.TAKEN_BACK)) {
      unsuccessful.run();
      result.cancel(false);
    }
  }

  /** Where it stands. */
  public State state() {
    return switch (result.state()) {
      case RUNNING -> State.RUNNING;
      case SUCCESS -> State.SUCCEEDED;
      case FAILED -> State.FAILED;
      case CANCELLED -> State.CANCELLED;
    };
  }

  /** What it came to, if it has succeeded. */
  public Optional<T> result() {
    return state() == State.SUCCEEDED ? Optional.of(result.resultNow()) : Optional.empty();
  }

  /** Why it failed, if it has. */
  public Optional<Throwable> failure() {
    return state() == State.FAILED ? Optional.of(result.exceptionNow()) : Optional.empty();
  }

  /** Waits until it has ended, at most {@code bound}. */
  public void await(Duration bound) {
    try {
      var unused = result.get(bound.toNanos(), TimeUnit.NANOSECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new CancellationException("interrupted while waiting for operation " + id);
    } catch (TimeoutException | ExecutionException | CancellationException e) {
      // the caller reads the state, which says which it was
    }
  }

  /**
   * Waits for the result.
   *
   * @throws MeshException why it failed
   * @throws CancellationException if it was taken back, or the thread is interrupted
   */
  T join() {
    try {
      return result.get();
    } catch (InterruptedException e) {
      cancel();
      Thread.currentThread().interrupt();
      throw new CancellationException("interrupted while waiting for operation " + id);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof MeshException known) {
        throw new MeshException(known.fault(), String.valueOf(known.getMessage()), known);
      }
      throw new IllegalStateException("operation " + id, e.getCause());
    }
  }
}
