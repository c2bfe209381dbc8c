package io.ballast.orchestrator.grpc;

import io.ballast.kit.grpc.Replies;
import io.ballast.orchestrator.core.CallCancellation;

/** The caller of a stream that follows what happens. */
record Follower(Replies.FollowSink<?> sink) implements CallCancellation {
  @Override
  public void onCancel(Runnable action) {
    sink.onCancel(action);
  }

  @Override
  public void idle(Runnable wait) {
    sink.idle(wait);
  }
}
