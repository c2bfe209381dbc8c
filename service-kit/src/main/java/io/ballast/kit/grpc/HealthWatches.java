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
 * they like. An address may have fewer watches than it leaves free, so that none can take all of
 * them: one alone gets half, k that take what they can get at the same time leave one of k + 1
 * parts. Clients of gRPC show nothing with their watches, so nobody is known by more than an
 * address. Thread-safe.
 *
 * <p>Source: Choudhury and Hahne 1998, "Dynamic queue length thresholds for shared-memory packet
 * switches", with a factor of 1.
 */
final class HealthWatches implements ServerInterceptor {
  /** A client watches each service that it calls once; a process has some fifteen. */
  static final int MOST_OF_ONE = 32;

  private static final String WATCH = HealthGrpc.getWatchMethod().getFullMethodName();

  private final int most;
  private final ReentrantLock lock = new ReentrantLock();
  private final Map<SocketAddress, Integer> ofConnection = new HashMap<>();
  private final Map<String, Integer> ofAddress = new HashMap<>();
  private int open;

  /**
   * @param most at once, of all addresses together, ≥ 1
   */
  HealthWatches(int most, MeterRegistry meters) {
    this.most = most;
    Gauge.builder("ballast.health.watches", this, HealthWatches::open)
        .description("Streams that watch this server's health")
        .register(meters);
  }

  private int open() {
    lock.lock();
    try {
      return open;
    } finally {
      lock.unlock();
    }
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
      int free = most - open;
      if (free == 0) {
        return tooMany("there are", most, ", the limit");
      }
      int own = ofAddress.getOrDefault(address, 0);
      if (own >= free) {
        return tooMany(
            "this address has", own, ", and the room for %,d more is for others".formatted(free));
      }
      ofConnection.put(connection, ofThis + 1);
      ofAddress.put(address, own + 1);
      open++;
      return null;
    } finally {
      lock.unlock();
    }
  }

  private void leave(SocketAddress connection) {
    lock.lock();
    try {
      takeOne(ofConnection, connection);
      takeOne(ofAddress, Doorkeeper.from(connection));
      open--;
    } finally {
      lock.unlock();
    }
  }

  private static <K> void takeOne(Map<K, Integer> counts, K of) {
    counts.computeIfPresent(of, (_, count) -> count == 1 ? null : count - 1);
  }

  private static MeshException tooMany(String who, int limit, String why) {
    return new MeshException(
        Fault.OVERLOADED,
        "%s %,d streams that watch health%s; ask by Check".formatted(who, limit, why),
        Map.of("limit", Integer.toString(limit), MeshException.SHED, "health_watches"));
  }
}
