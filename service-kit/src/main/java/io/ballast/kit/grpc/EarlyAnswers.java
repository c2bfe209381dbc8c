package io.ballast.kit.grpc;

import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.handler.codec.http2.Http2ConnectionAdapter;
import io.netty.handler.codec.http2.Http2ConnectionHandler;
import io.netty.handler.codec.http2.Http2Error;
import io.netty.handler.codec.http2.Http2Exception;
import io.netty.handler.codec.http2.Http2Stream;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

/**
 * Ends the streams of a connection whose call was answered before its request had come whole (RFC
 * 9113, section 8.1: RST_STREAM with NO_ERROR behind the answer). gRPC's server leaves them open,
 * and its client, once it has handed over its last message, goes on waiting for room to send the
 * rest: what it has not sent stays in its memory, and the stream among those that a connection may
 * have, until that ends. Of one connection, from before its first byte.
 *
 * <p>Not at once: the room of an answered stream is not made anew, so its client comes to a stop by
 * itself. What was on its way would be of a stream that is not known any more, each frame would be
 * answered with a reset, and {@code max-resets} counts those.
 */
final class EarlyAnswers extends ChannelInboundHandlerAdapter {
  /** In which what is on its way of a request arrives, or its end. */
  static final Duration PATIENCE = Duration.ofSeconds(1);

  @Override
  public void channelRead(ChannelHandlerContext context, Object bytes) {
    context.fireChannelRead(bytes);
    Http2ConnectionHandler calls = context.pipeline().get(Http2ConnectionHandler.class);
    if (calls != null) { // else it is still being made
      watch(calls, context.pipeline().context(calls));
      context.pipeline().remove(this);
    }
  }

  private static void watch(Http2ConnectionHandler calls, ChannelHandlerContext context) {
    calls
        .connection()
        .addListener(
            new Http2ConnectionAdapter() {
              @Override
              public void onStreamHalfClosed(Http2Stream stream) {
                endIfAnswered(calls, context, stream);
              }
            });
    try { // what came with the first bytes may have been answered by now; more come, of settings
      calls
          .connection()
          .forEachActiveStream(
              stream -> {
                endIfAnswered(calls, context, stream);
                return true;
              });
    } catch (Http2Exception e) {
      throw new IllegalStateException("no visit of a stream throws", e);
    }
  }

  private static void endIfAnswered(
      Http2ConnectionHandler calls, ChannelHandlerContext context, Http2Stream stream) {
    if (isAnswered(stream)) {
      context
          .executor()
          .schedule(() -> end(calls, context, stream), PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
    }
  }

  private static void end(
      Http2ConnectionHandler calls, ChannelHandlerContext context, Http2Stream stream) {
    if (isAnswered(stream)) { // else the rest has come, or its client has ended it
      calls.resetStream(context, stream.id(), Http2Error.NO_ERROR.code(), context.newPromise());
      context.flush();
    }
  }

  private static boolean isAnswered(Http2Stream stream) {
    return stream.state() == Http2Stream.State.HALF_CLOSED_LOCAL;
  }
}
