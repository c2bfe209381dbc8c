package io.ballast.kit.grpc;

import io.grpc.Context;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * How long work of the call under way waited for its turn: here, the longest that was told, and at
 * servers that were asked for it afterwards, side by side, the longest of these.
 */
final class CallWait {
  private static final Context.Key<CallWait> CURRENT = Context.key("ballast-call-wait");

  /** Nobody has told anything. */
  private static final long UNTOLD = -1;

  private final AtomicLong here = new AtomicLong(UNTOLD);
  private final AtomicLong elsewhere = new AtomicLong(UNTOLD);
  private volatile @Nullable Consumer<Duration> late;

  /** Of the call that {@code context} is of; null outside a call. */
  static @Nullable CallWait of(Context context) {
    return CURRENT.get(context);
  }

  Context in(Context context) {
    return context.withValue(CURRENT, this);
  }

  void here(Duration waited) {
    add(here, waited);
  }

  void elsewhere(Duration waited) {
    add(elsewhere, waited);
  }

  private void add(AtomicLong to, Duration waited) {
    to.accumulateAndGet(Math.max(0, waited.toNanos()), Math::max);
    Consumer<Duration> listener = late;
    if (listener != null) {
      whole().ifPresent(listener);
    }
  }

  /**
   * Tells {@code listener} of what is told from now on, and at once of what has been: a call ends
   * with its caller's deadline, before what works for it can say how long it has waited.
   */
  void afterwards(Consumer<Duration> listener) {
    late = listener;
    whole().ifPresent(listener);
  }

  /** Both together; empty if nothing of the call has waited, nor might have. */
  Optional<Duration> whole() {
    long first = here.get();
    long then = elsewhere.get();
    return first == UNTOLD && then == UNTOLD
        ? Optional.empty()
        : Optional.of(Duration.ofNanos(Math.max(0, first) + Math.max(0, then)));
  }
}
