package io.ballast.kit.grpc;

import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.grpc.ForwardingServerCallListener.SimpleForwardingServerCallListener;
import io.grpc.Grpc;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.health.v1.HealthGrpc;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.net.SocketAddress;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Bounds who watches a server's health: anybody may, without showing anything, and for as long as
 * they like. Watches are shared out by address: clients of gRPC show nothing with theirs, so nobody
 * is known by more. Thread-safe.
 */
final class HealthWatches implements ServerInterceptor {
  /** A client watches each service that it calls once; a process has some fifteen. */
  static final int MOST_OF_ONE = 32;

  private static final String WATCH = HealthGrpc.getWatchMethod().getFullMethodName();

  private final int most;
  private final ReentrantLock lock = new ReentrantLock();
  private final Map<SocketAddress, Integer> ofConnection = new HashMap<>();
  private final Shares watches;

  /**
   * @param most at once, of all addresses together, ≥ 1
   */
  HealthWatches(int most, MeterRegistry meters) {
    this.most = most;
    this.watches = new Shares(most, true);
    Gauge.builder("ballast.health.watches", watches, Shares::held)
        .description("Streams that watch this server's health")
        .register(meters);
  }

  @Override
  public <Q, A> ServerCall.Listener<Q> interceptCall(
      ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
    SocketAddress connection = call.getAttributes().get(Grpc.TRANSPORT_ATTR_REMOTE_ADDR);
    if (connection == null || !call.getMethodDescriptor().getFullMethodName().equals(WATCH)) {
      return next.startCall(call, headers);
    }
    MeshException refusal = enter(connection);
    if (refusal != null) {
      Doorkeeper.refuse(call, refusal);
      return new ServerCall.Listener<>() {};
    }
    try {
      return new SimpleForwardingServerCallListener<>(next.startCall(call, headers)) {
        @Override
        public void onComplete() {
          leave(connection);
          super.onComplete();
        }

        @Override
        public void onCancel() {
          leave(connection);
          super.onCancel();
        }
      };
    } catch (RuntimeException | Error e) {
      leave(connection);
      throw e;
    }
  }

  /** Why one more may not watch; null: it may, until it leaves. */
  private @Nullable MeshException enter(SocketAddress connection) {
    String address = Doorkeeper.from(connection);
    lock.lock();
    try {
      int ofThis = ofConnection.getOrDefault(connection, 0);
      if (ofThis >= MOST_OF_ONE) {
        return tooMany("this connection has", MOST_OF_ONE, ", the limit");
      }
      if (!watches.take(address, 1)) {
        long free = most - watches.held();
        return free == 0
            ? tooMany("there are", most, ", the limit")
            : tooMany(
                "this address has",
                watches.of(address),
                ", and the room for %,d more is for others".formatted(free));
      }
      ofConnection.put(connection, ofThis + 1);
      return null;
    } finally {
      lock.unlock();
    }
  }

  private void leave(SocketAddress connection) {
    lock.lock();
    try {
      ofConnection.computeIfPresent(connection, (_, count) -> count == 1 ? null : count - 1);
      watches.give(Doorkeeper.from(connection), 1);
    } finally {
      lock.unlock();
    }
  }

  private static MeshException tooMany(String who, long limit, String why) {
    return new MeshException(
        Fault.OVERLOADED,
        "%s %,d streams that watch health%s; ask by Check".formatted(who, limit, why),
        Map.of("limit", Long.toString(limit), MeshException.SHED, "health_watches"));
  }
}
