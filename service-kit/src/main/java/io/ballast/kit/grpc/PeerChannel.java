package io.ballast.kit.grpc;

import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.kit.resilience.PeerGuard;
import io.ballast.kit.resilience.PeerSettings;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.ClientInterceptors;
import io.grpc.ConnectivityState;
import io.grpc.Context;
import io.grpc.Deadline;
import io.grpc.ForwardingClientCall.SimpleForwardingClientCall;
import io.grpc.ForwardingClientCallListener.SimpleForwardingClientCallListener;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthGrpc;
import io.grpc.netty.NettyChannelBuilder;
import io.netty.handler.ssl.SslContext;
import io.opentelemetry.api.OpenTelemetry;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A channel to a peer, at one address or several. grpc-java balances (round robin, health checked)
 * and retries; {@link PeerGuard} refuses what the peer cannot take now. The request id and the
 * trace travel along; every call has a deadline.
 */
public final class PeerChannel implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(PeerChannel.class);

  /** Peers that start together answer within this time. */
  private static final Duration CONNECT = Duration.ofMinutes(1);

  /**
   * Between two tries of an address whose connection failed. grpc-java's own pause grows to two
   * minutes, for which calls would fail although the peer is back.
   */
  private static final Duration REDIAL = Duration.ofMillis(500);

  /**
   * After a connection was left because all calls over it were late, so long none is left again.
   */
  private static final Duration PEACE = Duration.ofSeconds(5);

  /** A channel that nobody used for long would have to connect anew under its next call. */
  private static final long NEVER_IDLE_DAYS = 31;

  private final ManagedChannel managed;
  private final Channel guarded;

  private PeerChannel(ManagedChannel managed, Channel guarded) {
    this.managed = managed;
    this.guarded = guarded;
  }

  /**
   * Opens a channel; it connects with the first call.
   *
   * @param addresses {@code host:port} each, at least one
   * @param guard holds the breaker and the bulkhead of this peer
   * @param bearerToken what the peer demands of every call; empty: nothing
   * @throws MeshException MALFORMED_REQUEST, naming an address that is none
   */
  public static PeerChannel open(
      List<String> addresses,
      PeerGuard guard,
      PeerSettings settings,
      Optional<String> bearerToken,
      OpenTelemetry telemetry) {
    return open(addresses, guard, settings, bearerToken, Optional.empty(), telemetry);
  }

  /**
   * As {@link #open(List, PeerGuard, PeerSettings, Optional, OpenTelemetry)}.
   *
   * @param tls what encrypts; the peer must prove the host of its address. Empty: nothing does
   */
  public static PeerChannel open(
      List<String> addresses,
      PeerGuard guard,
      PeerSettings settings,
      Optional<String> bearerToken,
      Optional<SslContext> tls,
      OpenTelemetry telemetry) {
    return open(addresses, guard, settings, bearerToken, tls, telemetry, REDIAL);
  }

  /**
   * As {@link #open(List, PeerGuard, PeerSettings, Optional, Optional, OpenTelemetry)}, to a server
   * that is not of this mesh: it is not told who is behind a call.
   */
  public static PeerChannel openForeign(
      List<String> addresses,
      PeerGuard guard,
      PeerSettings settings,
      Optional<String> bearerToken,
      Optional<SslContext> tls,
      OpenTelemetry telemetry) {
    return open(addresses, guard, settings, identity(bearerToken, false), tls, telemetry, REDIAL);
  }

  static PeerChannel open(
      List<String> addresses,
      PeerGuard guard,
      PeerSettings settings,
      Optional<String> bearerToken,
      Optional<SslContext> tls,
      OpenTelemetry telemetry,
      Duration redial) {
    return open(addresses, guard, settings, identity(bearerToken, true), tls, telemetry, redial);
  }

  @SuppressWarnings(
      "deprecation") // the registry instead would be global: addresses are a channel's
  private static PeerChannel open(
      List<String> addresses,
      PeerGuard guard,
      PeerSettings settings,
      ClientInterceptor identity,
      Optional<SslContext> tls,
      OpenTelemetry telemetry,
      Duration redial) {
    SlowStartProvider.register();
    NettyChannelBuilder builder =
        NettyChannelBuilder.forTarget("ballast:///" + guard.peer())
            .nameResolverFactory(PeerAddresses.parse(guard.peer(), addresses));
    ManagedChannel managed =
        tls.map(builder::sslContext)
            .orElseGet(builder::usePlaintext)
            .maxInboundMessageSize(settings.maxMessageBytes())
            .defaultServiceConfig(settings.serviceConfig())
            .disableServiceConfigLookUp()
            .enableRetry()
            .keepAliveTime(10, TimeUnit.SECONDS)
            .keepAliveTimeout(5, TimeUnit.SECONDS)
            .keepAliveWithoutCalls(true)
            .idleTimeout(NEVER_IDLE_DAYS, TimeUnit.DAYS)
            .build();
    Channel guarded =
        ClientInterceptors.interceptForward(
            managed,
            identity,
            CallSpans.of(telemetry).newClientInterceptor(),
            new Guard(guard, settings, new LateCalls(managed, settings.slidingWindowCalls() / 2)));
    Thread.ofVirtual().name("redial " + guard.peer()).start(() -> redial(managed, redial));
    watch(managed, guard, false);
    return new PeerChannel(managed, guarded);
  }

  /** What stubs are made on. */
  public Channel channel() {
    return guarded;
  }

  /**
   * Connects as soon as the peer answers, in the background: the first call has a deadline, and a
   * connection of two young processes takes a good part of it.
   */
  public void connect() {
    Thread.ofVirtual()
        .name("connect")
        .start(
            () -> {
              try {
                var unused =
                    HealthGrpc.newBlockingStub(managed)
                        .withWaitForReady()
                        .withDeadlineAfter(CONNECT.toNanos(), TimeUnit.NANOSECONDS)
                        .check(HealthCheckRequest.getDefaultInstance());
              } catch (StatusRuntimeException e) {
                LOG.debug("not connected ahead of the first call: {}", e.getStatus());
              }
            });
  }

  /** Whether a replica of the peer is connected, and says that it serves. */
  public boolean isConnected() {
    return managed.getState(false) == ConnectivityState.READY;
  }

  /**
   * Tells the guard whenever all replicas were away and one serves again, so that callers do not
   * wait out a breaker that opened meanwhile.
   *
   * @param away whether they are since it was told
   */
  private static void watch(ManagedChannel managed, PeerGuard guard, boolean away) {
    ConnectivityState state = managed.getState(false);
    if (state == ConnectivityState.SHUTDOWN) {
      return;
    }
    if (state == ConnectivityState.READY && away) {
      guard.reachedAgain();
    }
    boolean still =
        state == ConnectivityState.TRANSIENT_FAILURE || away && state != ConnectivityState.READY;
    managed.notifyWhenStateChanged(state, () -> watch(managed, guard, still));
  }

  /** Has addresses that are away tried again, until the channel is closed. */
  private static void redial(ManagedChannel managed, Duration pause) {
    try {
      while (!managed.awaitTermination(pause.toNanos(), TimeUnit.NANOSECONDS)) {
        managed.resetConnectBackoff();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Ends calls under way and closes connections. */
  @Override
  public void close() {
    managed.shutdownNow();
    try {
      managed.awaitTermination(2, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /**
   * @param ofMesh whether the server may know who is behind a call
   */
  private static ClientInterceptor identity(Optional<String> bearerToken, boolean ofMesh) {
    return new ClientInterceptor() {
      @Override
      public <Q, A> ClientCall<Q, A> interceptCall(
          MethodDescriptor<Q, A> method, CallOptions options, Channel next) {
        CallIdentity call = CallIdentity.current();
        return new SimpleForwardingClientCall<>(next.newCall(method, options)) {
          @Override
          public void start(Listener<A> listener, Metadata headers) {
            if (call != null && !headers.containsKey(CallIdentity.HEADER)) {
              headers.put(CallIdentity.HEADER, call.requestId());
            }
            String behalf = call == null || !ofMesh ? "" : call.behalfOfOthers();
            if (!behalf.isEmpty() && !headers.containsKey(CallIdentity.BEHALF)) {
              headers.put(CallIdentity.BEHALF, behalf.getBytes(StandardCharsets.UTF_8));
            }
            headers.put(DrainGate.PROCESS, DrainGate.THIS_PROCESS);
            if (!headers.containsKey(ServerEdge.AUTHORIZATION)) { // else it is the caller's own
              bearerToken.ifPresent(
                  token -> headers.put(ServerEdge.AUTHORIZATION, "Bearer " + token));
            }
            super.start(listener, headers);
          }
        };
      }
    };
  }

  /** Gives each call its deadline, and asks the guard for leave. */
  private record Guard(PeerGuard guard, PeerSettings settings, LateCalls late)
      implements ClientInterceptor {
    @Override
    public <Q, A> ClientCall<Q, A> interceptCall(
        MethodDescriptor<Q, A> method, CallOptions options, Channel next) {
      PeerGuard.Permit permit;
      try {
        permit = guard.acquire();
      } catch (MeshException e) {
        return new Refused<>(e);
      }
      Timed timed = Timed.of(method, options, settings);
      return new SimpleForwardingClientCall<>(next.newCall(method, timed.options())) {
        @Override
        public void start(Listener<A> listener, Metadata headers) {
          try {
            super.start(
                new SimpleForwardingClientCallListener<>(listener) {
                  @Override
                  public void onClose(Status status, Metadata trailers) {
                    late.ended(status);
                    permit.end(verdict(status, timed.byCaller()));
                    super.onClose(status, trailers);
                  }
                },
                headers);
          } catch (RuntimeException | Error e) {
            permit.end(PeerGuard.Verdict.IGNORED);
            throw e;
          }
        }

        @Override
        public void cancel(@Nullable String message, @Nullable Throwable cause) {
          permit.end(PeerGuard.Verdict.IGNORED);
          super.cancel(message, cause);
        }
      };
    }

    private static PeerGuard.Verdict verdict(Status status, boolean byCaller) {
      return switch (status.getCode()) {
        case UNAVAILABLE, INTERNAL, UNKNOWN, DATA_LOSS -> PeerGuard.Verdict.FAILED;
        case DEADLINE_EXCEEDED ->
            byCaller || Context.current().isCancelled()
                ? PeerGuard.Verdict.IGNORED
                : PeerGuard.Verdict.FAILED;
        case CANCELLED -> PeerGuard.Verdict.IGNORED;
        default -> PeerGuard.Verdict.SUCCEEDED; // it answered, whatever it said
      };
    }
  }

  /**
   * Leaves connections that seem dead: one that a firewall has forgotten, or whose machine is gone,
   * says nothing, and every call over it is late. After so many in a row the next go over new ones;
   * those under way keep theirs. A peer that is only slow looks the same, and must not be burdened
   * with a connection for every few calls, so that it is left in peace for a while then.
   */
  private static final class LateCalls {
    private final ManagedChannel managed;
    private final int most;
    private final AtomicInteger inARow = new AtomicInteger();
    private final AtomicReference<Deadline> inPeace = new AtomicReference<>(in(Duration.ZERO));

    LateCalls(ManagedChannel managed, int most) {
      this.managed = managed;
      this.most = Math.max(1, most);
    }

    void ended(Status status) {
      switch (status.getCode()) {
        case CANCELLED -> {} // says nothing of the connection
        case DEADLINE_EXCEEDED -> {
          Deadline until = inPeace.get();
          if (inARow.incrementAndGet() >= most
              && until.isExpired()
              && inPeace.compareAndSet(until, in(PEACE))) {
            inARow.set(0);
            managed.enterIdle();
            var unused = managed.getState(true); // connects now, not under the next call
          }
        }
        default -> inARow.set(0);
      }
    }

    private static Deadline in(Duration time) {
      return Deadline.after(time.toNanos(), TimeUnit.NANOSECONDS);
    }
  }

  /**
   * A call with its deadline: what it asks for itself, for one answer at most the call timeout, and
   * in any case what is left of the caller's, less what is needed to answer that one.
   *
   * @param byCaller whether that is what ends it: then a peer is not to blame for being late
   */
  private record Timed(CallOptions options, boolean byCaller) {
    static Timed of(MethodDescriptor<?, ?> method, CallOptions options, PeerSettings settings) {
      Deadline own = options.getDeadline();
      if (method.getType().serverSendsOneMessage()) {
        own = earlier(own, Deadline.after(settings.callTimeout().toNanos(), TimeUnit.NANOSECONDS));
      }
      Deadline callers = Context.current().getDeadline();
      if (callers != null) {
        Duration left = Duration.ofNanos(callers.timeRemaining(TimeUnit.NANOSECONDS));
        Duration reserve = settings.reserveOf(left);
        Deadline inTime = callers.offset(-reserve.toNanos(), TimeUnit.NANOSECONDS);
        if (own == null || inTime.isBefore(own)) {
          return new Timed(options.withDeadline(inTime), true);
        }
      }
      return new Timed(own == null ? options : options.withDeadline(own), false);
    }

    private static Deadline earlier(@Nullable Deadline own, Deadline other) {
      return own == null ? other : own.minimum(other);
    }
  }

  /** A call that never leaves: its listener is closed at once. */
  private static final class Refused<Q, A> extends ClientCall<Q, A> {
    private final MeshException reason;

    Refused(MeshException reason) {
      this.reason = reason;
    }

    @Override
    public void start(Listener<A> listener, Metadata headers) {
      Status status =
          reason.fault() == Fault.OVERLOADED ? Status.RESOURCE_EXHAUSTED : Status.UNAVAILABLE;
      listener.onClose(status.withDescription(reason.getMessage()), new Metadata());
    }

    @Override
    public void request(int count) {}

    @Override
    public void cancel(@Nullable String message, @Nullable Throwable cause) {}

    @Override
    public void halfClose() {}

    @Override
    public void sendMessage(Q message) {}
  }
}
