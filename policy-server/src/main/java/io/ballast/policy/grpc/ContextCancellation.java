package io.ballast.policy.grpc;

import com.google.common.util.concurrent.MoreExecutors;
import io.ballast.kit.grpc.ContextPatience;
import io.ballast.kit.grpc.Replies;
import io.ballast.policy.core.CallCancellation;
import io.grpc.Context;
import java.time.Duration;
import java.util.Optional;

/** The caller's patience as gRPC knows it: ends when the client leaves or the deadline passes. */
final class ContextCancellation implements CallCancellation {
  private final Context context;
  private final ContextPatience patience;

  private ContextCancellation(Context context, ContextPatience patience) {
    this.context = context;
    this.patience = patience;
  }

  /** Of the call that the current thread works for. */
  static ContextCancellation ofCurrentCall() {
    return new ContextCancellation(Context.current(), ContextPatience.ofCurrentCall());
  }

  /** Of the call that the current thread works for, which follows through {@code sink}. */
  static ContextCancellation ofFollower(Replies.FollowSink<?> sink) {
    return new ContextCancellation(Context.current(), ContextPatience.ofFollower(sink));
  }

  @Override
  public Optional<Duration> remaining() {
    return patience.remaining();
  }

  @Override
  public void idle(Runnable wait) {
    patience.idle(wait);
  }

  @Override
  public void waited(Duration queue) {
    patience.waited(queue);
  }

  @Override
  public boolean cancelled() {
    return context.isCancelled();
  }

  @Override
  public void onCancel(Runnable action) {
    context.addListener(cancelled -> action.run(), MoreExecutors.directExecutor());
  }
}
