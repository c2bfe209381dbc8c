package io.ballast.kit.grpc;

import com.google.common.util.concurrent.MoreExecutors;
import io.ballast.kit.call.CallPatience;
import io.grpc.Context;
import io.grpc.Deadline;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/** The caller's patience as gRPC knows it. */
public final class ContextPatience implements CallPatience {
  private final Context context;

  private ContextPatience(Context context) {
    this.context = context;
  }

  /** Of the call that the current thread works for. */
  public static ContextPatience ofCurrentCall() {
    return new ContextPatience(Context.current());
  }

  @Override
  public Optional<Duration> remaining() {
    return Optional.ofNullable(context.getDeadline()).map(ContextPatience::left);
  }

  private static Duration left(Deadline deadline) {
    return Duration.ofNanos(Math.max(0, deadline.timeRemaining(TimeUnit.NANOSECONDS)));
  }

  @Override
  public boolean cancelled() {
    return context.isCancelled();
  }

  @Override
  public void onCancel(Runnable action) {
    context.addListener(cancelled -> action.run(), MoreExecutors.directExecutor());
  }

  @Override
  public void waited(Duration queue) {
    CallWait wait = CallWait.of(context);
    if (wait != null) {
      wait.here(queue);
    }
  }

  @Override
  public void waitedElsewhere(Duration queue) {
    CallWait wait = CallWait.of(context);
    if (wait != null) {
      wait.elsewhere(queue);
    }
  }
}
