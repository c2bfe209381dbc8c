package io.ballast.loadtest.bench;

import io.grpc.HandlerRegistry;
import io.grpc.MethodDescriptor;
import io.grpc.Server;
import io.grpc.ServerMethodDefinition;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.ServerCalls;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/**
 * A collector of traces and metrics that takes all and keeps nothing. An empty message says that
 * everything was taken, in each of OTLP's calls.
 */
final class SilentCollector implements AutoCloseable {
  private static final int MAX_MESSAGE = 64 << 20;

  private final LongAdder bytes = new LongAdder();
  private final Server server;

  /** Listens on a free port of the loopback. */
  SilentCollector() {
    try {
      server =
          NettyServerBuilder.forAddress(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
              .maxInboundMessageSize(MAX_MESSAGE)
              .fallbackHandlerRegistry(new Anything())
              .build()
              .start();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Where it listens, as {@code ballast.telemetry.otlp-endpoint} takes it. */
  String endpoint() {
    return "http://127.0.0.1:" + server.getPort();
  }

  /** How much it was sent. */
  long bytes() {
    return bytes.sum();
  }

  @Override
  public void close() {
    server.shutdownNow();
  }

  /** Takes every unary call. */
  private final class Anything extends HandlerRegistry {
    @Override
    public ServerMethodDefinition<?, ?> lookupMethod(String method, @Nullable String authority) {
      return ServerMethodDefinition.create(
          MethodDescriptor.<byte[], byte[]>newBuilder()
              .setType(MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(method)
              .setRequestMarshaller(new Bytes())
              .setResponseMarshaller(new Bytes())
              .build(),
          ServerCalls.asyncUnaryCall(
              (sent, observer) -> {
                bytes.add(sent.length);
                observer.onNext(new byte[0]);
                observer.onCompleted();
              }));
    }
  }

  private static final class Bytes implements MethodDescriptor.Marshaller<byte[]> {
    @Override
    public InputStream stream(byte[] value) {
      return new ByteArrayInputStream(value);
    }

    @Override
    public byte[] parse(InputStream stream) {
      try {
        return stream.readAllBytes();
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }
}
