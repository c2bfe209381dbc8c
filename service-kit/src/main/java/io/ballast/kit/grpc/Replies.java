package io.ballast.kit.grpc;

import io.grpc.stub.StreamObserver;
import java.util.concurrent.Callable;

/**
 * Hands a call's work to an executor of virtual threads, and completes its observer whatever
 * happens.
 */
public interface Replies {
  /**
   * Answers one call with what {@code work} returns, or with the status of what it throws. Runs
   * with the call's Context: its deadline, cancellation, trace and {@link RequestContext}.
   */
  <T> void unary(StreamObserver<T> observer, Callable<T> work);

  /**
   * Answers one call with a stream. {@code work} sends items through the sink, blocks in it while
   * the client is not ready, and returns when the stream is over; the stream is completed then.
   */
  <T> void stream(StreamObserver<T> observer, StreamWork<T> work);

  /** The work of a streamed answer. */
  @FunctionalInterface
  interface StreamWork<T> {
    /** Sends every item of the answer. */
    void run(StreamSink<T> sink) throws Exception;
  }

  /** Where a streamed answer's items go. */
  interface Sink<T> {
    /**
     * Sends one item, waiting while the client is not ready. Throws a CANCELLED status once the
     * client has left.
     */
    void send(T item);

    /** Whether the client has left. */
    boolean cancelled();

    /** Runs {@code action} once when the client leaves, or at once if it has left. */
    void onCancel(Runnable action);
  }

  /** The sink of a stream whose work may also wait for its caller. */
  interface StreamSink<T> extends Sink<T> {
    /**
     * Returns what {@code wait} returns. Meanwhile the stream is none of the calls under way, of
     * which there may be so many: a caller that says nothing for a day keeps nobody out.
     *
     * @throws io.ballast.kit.error.MeshException OVERLOADED if there is no room for it when it is
     *     to go on
     */
    <V> V idle(Callable<V> wait) throws Exception;
  }
}
