package io.ballast.kit.grpc;

import io.ballast.kit.error.MeshException;
import io.grpc.Context;
import io.grpc.ForwardingServerCall.SimpleForwardingServerCall;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A call under way that the server, too, can end. What its service says after the end is dropped,
 * for the service learns of it while it works. Thread-safe, which a {@link ServerCall} is not.
 */
final class OpenCall<Q, A> extends SimpleForwardingServerCall<Q, A> {
  private static final Logger LOG = LoggerFactory.getLogger(OpenCall.class);

  private final Context.CancellableContext context;
  private final ReentrantLock lock = new ReentrantLock();
  private boolean over;

  /**
   * @param context what the call's service works in
   */
  OpenCall(ServerCall<Q, A> call, Context.CancellableContext context) {
    super(call);
    this.context = context;
  }

  /**
   * Tells the caller {@code why} the call ends, then cancels the work for it; the first end counts.
   *
   * @return whether the call had not ended by then
   */
  boolean end(MeshException why) {
    return end(
        new StatusMapper(String.valueOf(getMethodDescriptor().getServiceName()))
            .judge(why, Context.ROOT)
            .answer());
  }

  /** As the other. */
  boolean end(StatusRuntimeException told) {
    Metadata details = new Metadata(); // a call takes over what it is closed with
    Metadata trailers = told.getTrailers();
    if (trailers != null) {
      details.merge(trailers);
    }
    try {
      return closeOnce(told.getStatus(), details);
    } catch (RuntimeException e) { // its connection has gone, and with it whoever is to be told
      LOG.debug("a call was over before it could be ended", e);
      return true;
    } finally {
      context.cancel(null);
    }
  }

  @Override
  public void sendHeaders(Metadata headers) {
    lock.lock();
    try {
      if (!over) {
        super.sendHeaders(headers);
      }
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void sendMessage(A message) {
    lock.lock();
    try {
      if (!over) {
        super.sendMessage(message);
      }
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void close(Status status, Metadata trailers) {
    closeOnce(status, trailers);
  }

  private boolean closeOnce(Status status, Metadata trailers) {
    lock.lock();
    try {
      if (over) {
        return false;
      }
      over = true;
      super.close(status, trailers);
      return true;
    } finally {
      lock.unlock();
    }
  }

  @Override
  public boolean isCancelled() {
    return context.isCancelled() || super.isCancelled();
  }
}
