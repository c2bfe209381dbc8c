package io.ballast.kit.grpc;

import io.grpc.stub.StreamObserver;

/** {@link Replies} that also answer a stream of requests. */
public interface BidiReplies extends Replies {
  /**
   * Answers each request of a stream on its own; answers come in any order. At most {@code window}
   * requests are under way, and as many as take 4 MiB of memory and one beyond; more are not read
   * from the wire. The stream is completed when the caller has half-closed and all requests are
   * answered; what {@code work} throws ends all of it.
   *
   * @param window ≥ 1
   * @return takes the requests
   */
  <Q, A> StreamObserver<Q> bidirectional(
      StreamObserver<A> observer, int window, BidiWork<Q, A> work);

  /** The work of one request in a stream. */
  @FunctionalInterface
  interface BidiWork<Q, A> {
    /** Sends the answers of one request; runs beside those of others. */
    void answer(Q request, Sink<A> sink) throws Exception;
  }
}
