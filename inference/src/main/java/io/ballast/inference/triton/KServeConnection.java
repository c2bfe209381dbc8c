package io.ballast.inference.triton;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ManagedChannel;
import io.grpc.MethodDescriptor;
import io.grpc.netty.NettyChannelBuilder;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import java.util.stream.IntStream;

/** The connections to one server and the client that uses them; each call takes the next one. */
public final class KServeConnection implements AutoCloseable {
  private static final int WINDOW_BYTES = 8 << 20;

  private final List<ManagedChannel> channels;
  private final KServeClient client;

  private KServeConnection(List<ManagedChannel> channels, KServeSettings settings) {
    this.channels = channels;
    this.client = new KServeClient(inTurn(channels), settings);
  }

  /**
   * Opens the connections to one server, without encryption; they connect with the first calls.
   *
   * @param address {@code host:port}
   * @throws IllegalArgumentException if it is none
   */
  public static KServeConnection open(String address, KServeSettings settings) {
    ServerAddress parsed = ServerAddress.parse(address);
    return new KServeConnection(
        pool(settings, () -> NettyChannelBuilder.forAddress(parsed.host(), parsed.port())),
        settings);
  }

  /** What asks the server. */
  public KServeClient client() {
    return client;
  }

  /** Ends calls under way and closes the connections. */
  @Override
  public void close() {
    close(channels);
  }

  static List<ManagedChannel> pool(KServeSettings settings, Supplier<NettyChannelBuilder> channel) {
    return IntStream.range(0, settings.connections())
        .mapToObj(
            i ->
                channel
                    .get()
                    .usePlaintext()
                    .maxInboundMessageSize(settings.maxMessageBytes())
                    .flowControlWindow(WINDOW_BYTES)
                    .disableRetry() // retries are the orchestrator's alone
                    .disableServiceConfigLookUp()
                    .build())
        .toList();
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
