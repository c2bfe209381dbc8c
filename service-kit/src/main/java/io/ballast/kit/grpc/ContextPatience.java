package io.ballast.kit.grpc;

import com.google.common.util.concurrent.MoreExecutors;
import io.ballast.kit.call.CallPatience;
import io.grpc.Context;
import io.grpc.Deadline;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/** The caller's patience as gRPC knows it. */
public final class ContextPatience implements CallPatience {
  private final Context context;
  private final Consumer<Runnable> idle;

  private ContextPatience(Context context, Consumer<Runnable> idle) {
    this.context = context;
    this.idle = idle;
  }

  /** Of the call that the current thread works for. */
  public static ContextPatience ofCurrentCall() {
    return new ContextPatience(Context.current(), Runnable::run);
  }

  /** Of the call that the current thread works for, which follows through {@code sink}. */
  public static ContextPatience ofFollower(Replies.FollowSink<?> sink) {
    return new ContextPatience(Context.current(), sink::idle);
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
  public void idle(Runnable wait) {
    idle.accept(wait);
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
