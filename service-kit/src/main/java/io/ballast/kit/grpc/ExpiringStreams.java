package io.ballast.kit.grpc;

import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.kit.security.Identities;
import io.ballast.kit.security.Known;
import io.ballast.kit.security.Principal.Proof;
import io.grpc.Context;
import io.grpc.Contexts;
import io.grpc.ForwardingServerCallListener.SimpleForwardingServerCallListener;
import io.grpc.Grpc;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/**
 * Ends streams of answers whose callers showed what has expired since, whether they speak or wait:
 * who a caller is, is looked at when a call begins, and a stream may be open for days. A connection
 * whose certificate has expired is ended behind who calls over it, so that the next call has to
 * show a new one. Thread-safe.
 */
final class ExpiringStreams implements AutoCloseable {
  private static final Duration BETWEEN_LOOKS = Duration.ofSeconds(1);

  private final Identities identities;
  private final OpenConnections connections;
  private final Set<Expiring> streams = ConcurrentHashMap.newKeySet();
  private final ScheduledExecutorService thread =
      Executors.newSingleThreadScheduledExecutor(
          Thread.ofPlatform().daemon().name("expiring-streams").factory());

  ExpiringStreams(Identities identities, OpenConnections connections) {
    this.identities = identities;
    this.connections = connections;
  }

  /** A stream and by what its caller is known; each is itself only. */
  private static final class Expiring {
    private final OpenCall<?, ?> call;
    private final Known caller;

    Expiring(OpenCall<?, ?> call, Known caller) {
      this.call = call;
      this.caller = caller;
    }
  }

  /** Looks by itself, from now on. */
  void start() {
    long nanos = BETWEEN_LOOKS.toNanos();
    var unused = thread.scheduleWithFixedDelay(this::look, nanos, nanos, TimeUnit.NANOSECONDS);
  }

  /**
   * Has {@code next} handle a call; a stream of answers for as long as its {@code caller} is known.
   */
  <Q, A> ServerCall.Listener<Q> open(
      Known caller, ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
    if (identities.hasExpired(caller)) {
      endConnection(caller, call);
    }
    if (!caller.expires() || call.getMethodDescriptor().getType().serverSendsOneMessage()) {
      return next.startCall(call, headers);
    }
    Context.CancellableContext context = Context.current().withCancellation();
    OpenCall<Q, A> stream = new OpenCall<>(call, context);
    Expiring own = new Expiring(stream, caller);
    streams.add(own);
    try {
      return new SimpleForwardingServerCallListener<>(
          Contexts.interceptCall(context, stream, headers, next)) {
        @Override
        public void onComplete() {
          streams.remove(own);
          super.onComplete();
        }

        @Override
        public void onCancel() {
          streams.remove(own);
          super.onCancel();
        }
      };
    } catch (RuntimeException | Error e) {
      streams.remove(own);
      throw e;
    }
  }

  /** Ends the streams of those whose time is over. */
  void look() {
    for (Expiring each : streams) {
      if (identities.hasExpired(each.caller) && streams.remove(each)) {
        var unused = each.call.end(why(each.caller));
        endConnection(each.caller, each.call);
      }
    }
  }

  /** A token is shown by each call anew, a certificate by a connection. */
  private void endConnection(Known caller, ServerCall<?, ?> call) {
    if (caller.principal().proof() == Proof.CERTIFICATE) {
      connections.end(call.getAttributes().get(Grpc.TRANSPORT_ATTR_REMOTE_ADDR));
    }
  }

  private static MeshException why(Known caller) {
    String shown = caller.principal().proof() == Proof.CERTIFICATE ? "certificate" : "token";
    return new MeshException(
        Fault.UNAUTHENTICATED,
        "the %s has expired, it was good until %s; open the stream again with a new one"
            .formatted(shown, caller.until()),
        Map.of("expired", shown, "until", caller.until().toString()));
  }

  /** How many streams it would end some day. */
  int size() {
    return streams.size();
  }

  @Override
  public void close() {
    thread.shutdownNow();
  }
}
