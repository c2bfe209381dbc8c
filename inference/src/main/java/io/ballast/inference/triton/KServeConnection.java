package io.ballast.inference.triton;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.ConnectivityState;
import io.grpc.ManagedChannel;
import io.grpc.MethodDescriptor;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.MetadataUtils;
import io.netty.handler.ssl.SslContext;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import java.util.stream.IntStream;

/** The connections to one server and the client that uses them; each call takes the next one. */
public final class KServeConnection implements AutoCloseable {
  private static final int WINDOW_BYTES = 8 << 20;

  /** Takes answers from the connections' threads: what callers do with them may block. */
  private static final Executor ANSWERS =
      task -> Thread.ofVirtual().name("kserve-answer").start(task);

  private final List<ManagedChannel> channels;
  private final KServeClient client;

  private KServeConnection(List<ManagedChannel> channels, KServeSettings settings) {
    this.channels = channels;
    this.client = new KServeClient(inTurn(channels), settings);
  }

  /**
   * Opens the connections to one server; they connect with the first calls. Of a host with several
   * addresses one that can be reached is taken; {@link KServeFleet} takes all.
   *
   * @param address {@code host:port}
   * @throws IllegalArgumentException if it is none, or the file of trusted authorities is none
   */
  public static KServeConnection open(String address, KServeSettings settings) {
    ServerAddress parsed = ServerAddress.parse(address);
    return new KServeConnection(
        pool(settings, () -> NettyChannelBuilder.forAddress(parsed.host(), parsed.port())),
        settings);
  }

  /** Opens the connections to one of the addresses of {@code name}, whose name it must prove. */
  static KServeConnection open(InetSocketAddress at, ServerAddress name, KServeSettings settings) {
    return new KServeConnection(
        pool(settings, () -> NettyChannelBuilder.forAddress(at).overrideAuthority(name.toString())),
        settings);
  }

  /** What asks the server. */
  public KServeClient client() {
    return client;
  }

  /**
   * Has connections that failed be tried again now. grpc-java would wait, in the end for two
   * minutes; whoever asks at an interval of their own wants to know earlier.
   */
  void reconnect() {
    reconnect(channels);
  }

  static void reconnect(List<ManagedChannel> channels) {
    for (ManagedChannel channel : channels) {
      if (channel.getState(false) == ConnectivityState.TRANSIENT_FAILURE) {
        channel.resetConnectBackoff();
      }
    }
  }

  /** Ends calls under way and closes the connections. */
  @Override
  public void close() {
    close(channels);
  }

  static List<ManagedChannel> pool(KServeSettings settings, Supplier<NettyChannelBuilder> channel) {
    KServeSecurity security = settings.security();
    Optional<SslContext> ssl =
        security.encrypted() ? Optional.of(security.sslContext()) : Optional.empty();
    List<ClientInterceptor> identity =
        security.metadata().isEmpty()
            ? List.of()
            : List.of(MetadataUtils.newAttachHeadersInterceptor(security.headers()));
    return IntStream.range(0, settings.connections())
        .mapToObj(i -> secured(channel.get(), ssl))
        .map(
            builder ->
                builder
                    .executor(ANSWERS)
                    .intercept(identity)
                    .maxInboundMessageSize(settings.maxMessageBytes())
                    .flowControlWindow(WINDOW_BYTES)
                    .disableRetry() // retries are the orchestrator's alone
                    .disableServiceConfigLookUp()
                    .build())
        .toList();
  }

  private static NettyChannelBuilder secured(
      NettyChannelBuilder builder, Optional<SslContext> ssl) {
    return ssl.isPresent()
        ? builder.useTransportSecurity().sslContext(ssl.get())
        : builder.usePlaintext();
  }

  /** Returns a channel that gives each call to the next of {@code channels}. */
  static Channel inTurn(List<ManagedChannel> channels) {
    if (channels.size() == 1) {
      return channels.getFirst();
    }
    AtomicInteger next = new AtomicInteger();
    return new Channel() {
      @Override
      public <Q, A> ClientCall<Q, A> newCall(MethodDescriptor<Q, A> method, CallOptions options) {
        int index = Math.floorMod(next.getAndIncrement(), channels.size());
        return channels.get(index).newCall(method, options);
      }

      @Override
      public String authority() {
        return channels.getFirst().authority();
      }
    };
  }

  static void close(List<ManagedChannel> channels) {
    channels.forEach(ManagedChannel::shutdownNow);
    for (ManagedChannel channel : channels) {
      try {
        channel.awaitTermination(2, TimeUnit.SECONDS);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return;
      }
    }
  }
}
