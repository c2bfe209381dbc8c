package io.ballast.kit.grpc;

import io.ballast.kit.error.MeshException;
import io.grpc.ForwardingServerCall.SimpleForwardingServerCall;
import io.grpc.ForwardingServerCallListener.SimpleForwardingServerCallListener;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.Status;
import org.jspecify.annotations.Nullable;

/**
 * A stream of requests, each of which counts as a call: the first as the call itself, every other
 * by its own. To the service one too many looks as if the caller had half-closed: what came before
 * it is answered, then the call ends with the refusal.
 */
final class CountedRequests<Q, A> extends SimpleForwardingServerCall<Q, A> {
  private final Runnable count;
  private volatile @Nullable MeshException refusal;

  /**
   * @param count counts one; throws a {@link MeshException} if it is one too many
   */
  CountedRequests(ServerCall<Q, A> call, Runnable count) {
    super(call);
    this.count = count;
  }

  @Override
  public void close(Status status, Metadata trailers) {
    MeshException refused = refusal;
    if (refused == null) {
      super.close(status, trailers);
    } else {
      Doorkeeper.refuse(delegate(), refused);
    }
  }

  /** What the service hears, {@code next}, of this call. */
  ServerCall.Listener<Q> counted(ServerCall.Listener<Q> next) {
    return new SimpleForwardingServerCallListener<>(next) {
      private boolean first = true;

      @Override
      public void onMessage(Q request) {
        if (refusal != null) {
          return;
        }
        try {
          if (!first) {
            count.run();
          }
        } catch (MeshException e) {
          refusal = e;
          super.onHalfClose();
          return;
        }
        first = false;
        super.onMessage(request);
      }

      @Override
      public void onHalfClose() {
        if (refusal == null) {
          super.onHalfClose();
        }
      }
    };
  }
}
