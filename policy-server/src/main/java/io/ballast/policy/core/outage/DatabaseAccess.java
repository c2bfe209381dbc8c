package io.ballast.policy.core.outage;

import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.FutureTask;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Predicate;
import java.util.function.Supplier;

/**
 * The database as those see it who can do without it for a while: it is asked with a bound on the
 * waiting, and once it was away nobody waits for it until somebody has found it again. Thread-safe.
 */
public final class DatabaseAccess {
  private final Predicate<Throwable> isAway;
  private final Duration patience;
  private final Executor executor;
  private final OutageMonitor monitor;
  private final AtomicBoolean away = new AtomicBoolean();

  /**
   * @param isAway whether a failure means that the database cannot be reached
   * @param patience how long one answer of it is waited for
   * @param executor runs what asks it
   */
  public DatabaseAccess(
      Predicate<Throwable> isAway, Duration patience, Executor executor, OutageMonitor monitor) {
    this.isAway = isAway;
    this.patience = patience;
    this.executor = executor;
    this.monitor = monitor;
  }

  /** Whether it was away when it was last asked. */
  public boolean away() {
    return away.get();
  }

  /**
   * Asks it, unless it is known to be away.
   *
   * @return what {@code question} returned; empty if it is away. Then it may have done what it was
   *     asked all the same
   */
  public <T> Optional<T> ask(Supplier<T> question) {
    if (away()) {
      return Optional.empty();
    }
    try {
      return Optional.of(within(question));
    } catch (RuntimeException e) {
      if (!means(e)) {
        throw e;
      }
      lost(e);
      return Optional.empty();
    }
  }

  /** Whether {@code thrown} means that it is away. */
  boolean means(Throwable thrown) {
    return (thrown instanceof MeshException e && e.fault() == Fault.DEPENDENCY_DOWN)
        || isAway.test(thrown);
  }

  /** It has not answered. */
  void lost(RuntimeException why) {
    if (away.compareAndSet(false, true)) {
      monitor.lost(why);
    }
  }

  /** It has answered. */
  void found() {
    if (away.compareAndSet(true, false)) {
      monitor.back();
    }
  }

  /** Asks it, whether it is known to be away or not. */
  <T> T within(Supplier<T> question) {
    FutureTask<T> asked = new FutureTask<>(question::get);
    try {
      executor.execute(asked);
    } catch (RejectedExecutionException e) {
      throw new CancellationException("the server stops");
    }
    try {
      return asked.get(patience.toNanos(), TimeUnit.NANOSECONDS);
    } catch (TimeoutException e) {
      asked.cancel(true);
      throw new MeshException(
          Fault.DEPENDENCY_DOWN, "the database did not answer within " + patience, e);
    } catch (InterruptedException e) {
      asked.cancel(true);
      Thread.currentThread().interrupt();
      throw new CancellationException("interrupted while waiting for the database");
    } catch (ExecutionException e) {
      throw e.getCause() instanceof RuntimeException cause ? cause : new CompletionException(e);
    }
  }
}
