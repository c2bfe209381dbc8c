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

  /**
   * As {@link #stream}, for a stream that mostly waits for something to happen. It is refused with
   * OVERLOADED before anything is done for it if too many streams wait, and is none of the calls
   * under way while it waits: for something to happen, or for a client that is not ready. Its one
   * item may be all the answer there is.
   */
  <T> void follow(StreamObserver<T> observer, FollowWork<T> work);

  /** The work of a streamed answer. */
  @FunctionalInterface
  interface StreamWork<T> {
    /** Sends every item of the answer. */
    void run(StreamSink<T> sink) throws Exception;
  }

  /** The work of a stream that follows what happens. */
  @FunctionalInterface
  interface FollowWork<T> {
    /** Sends what happens until nobody waits for more. */
    void run(FollowSink<T> sink) throws Exception;
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
     * which there may be so many: a caller that says nothing for a day keeps nobody out. From the
     * first wait on it is one of the streams that wait, until it ends.
     *
     * @throws io.ballast.kit.error.MeshException OVERLOADED if too many streams wait, or if there
     *     is no room for it when it is to go on
     */
    <V> V idle(Callable<V> wait) throws Exception;
  }

  /** The sink of a stream that follows what happens. */
  interface FollowSink<T> extends Sink<T> {
    /**
     * Runs {@code wait}, which waits for something to happen. Meanwhile the stream is none of the
     * calls under way. It waits for its turn when it is to go on: what happens may wake all
     * followers at once, and only a few of them work at a time. One whose client has left waits for
     * none, and may find that it has.
     */
    void idle(Runnable wait);
  }
}
