package io.ballast.policy.grpc;

import com.google.common.util.concurrent.MoreExecutors;
import io.ballast.kit.grpc.ContextPatience;
import io.ballast.policy.core.CallCancellation;
import io.grpc.Context;
import java.time.Duration;
import java.util.Optional;

/** The caller's patience as gRPC knows it: ends when the client leaves or the deadline passes. */
final class ContextCancellation implements CallCancellation {
  private final Context context;
  private final ContextPatience patience = ContextPatience.ofCurrentCall();

  private ContextCancellation(Context context) {
    this.context = context;
  }

  /** Of the call that the current thread works for. */
  static ContextCancellation ofCurrentCall() {
    return new ContextCancellation(Context.current());
  }

  @Override
  public Optional<Duration> remaining() {
    return patience.remaining();
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
