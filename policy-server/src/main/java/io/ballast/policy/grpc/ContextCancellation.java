package io.ballast.policy.grpc;

import com.google.common.util.concurrent.MoreExecutors;
import io.ballast.policy.core.CallCancellation;
import io.grpc.Context;

/** The caller's patience as gRPC knows it: ends when the client leaves or the deadline passes. */
final class ContextCancellation implements CallCancellation {
  private final Context context;

  private ContextCancellation(Context context) {
    this.context = context;
  }

  /** Of the call that the current thread works for. */
  static ContextCancellation ofCurrentCall() {
    return new ContextCancellation(Context.current());
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
