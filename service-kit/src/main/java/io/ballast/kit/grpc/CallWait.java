package io.ballast.kit.grpc;

import io.grpc.Context;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** How long work of the call under way waited for its turn: the longest that was told. */
final class CallWait {
  private static final Context.Key<CallWait> CURRENT = Context.key("ballast-call-wait");

  /** Nobody has told anything. */
  private static final long UNTOLD = -1;

  private final AtomicLong nanos = new AtomicLong(UNTOLD);
  private volatile @Nullable Consumer<Duration> late;

  /** Of the call that {@code context} is of; null outside a call. */
  static @Nullable CallWait of(Context context) {
    return CURRENT.get(context);
  }

  Context in(Context context) {
    return context.withValue(CURRENT, this);
  }

  void add(Duration waited) {
    nanos.accumulateAndGet(Math.max(0, waited.toNanos()), Math::max);
    Consumer<Duration> listener = late;
    if (listener != null) {
      longest().ifPresent(listener);
    }
  }

  /**
   * Tells {@code listener} of what is told from now on, and at once of what has been: a call ends
   * with its caller's deadline, before what works for it can say how long it has waited.
   */
  void afterwards(Consumer<Duration> listener) {
    late = listener;
    longest().ifPresent(listener);
  }

  /** The longest wait; empty if nothing of the call has waited, nor might have. */
  Optional<Duration> longest() {
    long known = nanos.get();
    return known == UNTOLD ? Optional.empty() : Optional.of(Duration.ofNanos(known));
  }
}
