package io.ballast.orchestrator.grpc;

import io.ballast.orchestrator.core.CallCancellation;
import io.grpc.Context;

/** The cancellation of the call that the current thread works for: its caller left, or was late. */
final class ContextCancellation implements CallCancellation {
  private final Context context;

  private ContextCancellation(Context context) {
    this.context = context;
  }

  static ContextCancellation ofCurrentCall() {
    return new ContextCancellation(Context.current());
  }

  @Override
  public void onCancel(Runnable action) {
    context.addListener(cancelled -> action.run(), Runnable::run);
  }
}
