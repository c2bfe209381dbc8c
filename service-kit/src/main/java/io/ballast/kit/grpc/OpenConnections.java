package io.ballast.kit.grpc;

import io.ballast.kit.security.ConnectionLimits;
import io.grpc.netty.NettyServerBuilder;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelPipeline;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.nio.NioEventLoopGroup;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.handler.codec.http2.Http2ConnectionHandler;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.net.SocketAddress;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * The connections of a server: so many at once. One more is closed before a byte of it is read,
 * before TLS costs anything, and those that are there notice nothing. {@link EarlyAnswers} is put
 * on each. Thread-safe.
 *
 * <p>gRPC bounds calls, not connections, and lets nobody near the socket that listens unless the
 * threads are given too, so they are: as many as gRPC's own.
 */
final class OpenConnections implements AutoCloseable {
  private final int most;
  private final Duration grace;
  private final RefusedCalls refused;
  private final Counter refusals;
  private final AtomicInteger open = new AtomicInteger();
  private final Set<Channel> connections = ConcurrentHashMap.newKeySet();
  private final EventLoopGroup accepting = threads(1, "grpc-accept");
  private final EventLoopGroup serving = threads(0, "grpc-serve");

  /**
   * @param limits how many at once, and how long calls have on one that is made anew
   * @param refused is told of each that is one too many
   */
  OpenConnections(ConnectionLimits limits, RefusedCalls refused, MeterRegistry meters) {
    this.most = limits.maxOpen();
    this.grace = limits.maxAgeGrace();
    this.refused = refused;
    this.refusals =
        Counter.builder("ballast.connections.refused")
            .description("Connections that were one too many")
            .register(meters);
    Gauge.builder("ballast.connections.open", open, AtomicInteger::doubleValue)
        .description("Connections of callers over gRPC")
        .register(meters);
    Gauge.builder("ballast.connections.limit", most, Integer::doubleValue)
        .description("The most connections at once")
        .strongReference(true)
        .register(meters);
  }

  /**
   * @param threads 0: two for each processor, as gRPC has
   */
  private static EventLoopGroup threads(int threads, String name) {
    return new NioEventLoopGroup(threads, new DefaultThreadFactory(name, true));
  }

  /** Has the server of {@code builder} take its connections through here. */
  void of(NettyServerBuilder builder) {
    builder
        .channelFactory(this::listening)
        .bossEventLoopGroup(accepting)
        .workerEventLoopGroup(serving);
  }

  /**
   * Has a client make its connection anew: it is told to call over another one, and calls under way
   * have the grace of those that are older than they may be.
   *
   * @param client its address and port; null: it is in this process and has none
   */
  void end(@Nullable SocketAddress client) {
    for (Channel each : connections) {
      if (each.remoteAddress() != null && each.remoteAddress().equals(client)) {
        each.eventLoop().execute(() -> end(each, grace));
      }
    }
  }

  /**
   * Ends {@code connection} once its calls have ended, and after {@code grace} at the latest; for
   * its own thread.
   */
  static void end(Channel connection, Duration grace) {
    ChannelPipeline handlers = connection.pipeline();
    Http2ConnectionHandler calls = handlers.get(Http2ConnectionHandler.class);
    if (calls != null) { // else there are none yet
      calls.gracefulShutdownTimeoutMillis(grace.toMillis());
    }
    var unused = handlers.close();
  }

  private NioServerSocketChannel listening() {
    NioServerSocketChannel socket = new NioServerSocketChannel();
    socket.pipeline().addLast(new Door());
    return socket;
  }

  /** Stands before what hands new connections to their threads. */
  @ChannelHandler.Sharable
  private final class Door extends ChannelInboundHandlerAdapter {
    @Override
    public void channelRead(ChannelHandlerContext context, Object accepted) {
      if (!(accepted instanceof Channel connection)) {
        context.fireChannelRead(accepted);
        return;
      }
      if (open.incrementAndGet() > most) {
        open.decrementAndGet();
        refuse(connection);
        return;
      }
      connections.add(connection);
      connection.pipeline().addLast(new EarlyAnswers());
      connection
          .closeFuture()
          .addListener(
              _ -> {
                connections.remove(connection);
                open.decrementAndGet();
              });
      context.fireChannelRead(accepted);
    }
  }

  /** Counts and tells first: who sees that it was closed finds why. */
  private void refuse(Channel connection) {
    try {
      refusals.increment();
      String from = Doorkeeper.from(connection.remoteAddress());
      refused.count(
          new RefusedCalls.Kind("connections", "-", "-"),
          new RefusedCalls.Example(
              "-",
              from.isEmpty() ? "-" : from,
              "-",
              "%,d connections are open, the limit".formatted(most)));
    } finally {
      connection.unsafe().closeForcibly(); // it has no thread yet that could close it otherwise
    }
  }

  /** Ends the threads; their server has ended before. */
  @Override
  public void close() {
    accepting.shutdownGracefully(0, 1, TimeUnit.SECONDS);
    serving.shutdownGracefully(0, 1, TimeUnit.SECONDS);
  }
}
