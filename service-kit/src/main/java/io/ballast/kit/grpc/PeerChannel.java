package io.ballast.kit.grpc;

import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.kit.resilience.PeerGuard;
import io.ballast.kit.resilience.PeerSettings;
import io.grpc.Attributes;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.ClientInterceptors;
import io.grpc.Context;
import io.grpc.Deadline;
import io.grpc.EquivalentAddressGroup;
import io.grpc.ForwardingClientCall.SimpleForwardingClientCall;
import io.grpc.ForwardingClientCallListener.SimpleForwardingClientCallListener;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.NameResolver;
import io.grpc.NameResolverProvider;
import io.grpc.Status;
import io.grpc.StatusOr;
import io.grpc.netty.NettyChannelBuilder;
import io.opentelemetry.api.OpenTelemetry;
import io.opentelemetry.instrumentation.grpc.v1_6.GrpcTelemetry;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.URI;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A channel to a peer, at one address or several. grpc-java balances (round robin, health checked)
 * and retries; {@link PeerGuard} refuses what the peer cannot take now. The request id and the
 * trace travel along; every call has a deadline.
 */
public final class PeerChannel implements AutoCloseable {
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
   * @throws MeshException MALFORMED_REQUEST, naming an address that is none
   */
  @SuppressWarnings(
      "deprecation") // the registry instead would be global: addresses are a channel's
  public static PeerChannel open(
      List<String> addresses, PeerGuard guard, PeerSettings settings, OpenTelemetry telemetry) {
    List<EquivalentAddressGroup> groups = addresses.stream().map(PeerChannel::group).toList();
    if (groups.isEmpty()) {
      throw new MeshException(
          Fault.MALFORMED_REQUEST, guard.peer() + ": no address (expected: host:port)");
    }
    ManagedChannel managed =
        NettyChannelBuilder.forTarget("ballast:///" + guard.peer())
            .nameResolverFactory(new FixedAddresses(guard.peer(), groups))
            .usePlaintext()
            .maxInboundMessageSize(settings.maxMessageBytes())
            .defaultServiceConfig(settings.serviceConfig())
            .disableServiceConfigLookUp()
            .enableRetry()
            .keepAliveTime(30, TimeUnit.SECONDS)
            .build();
    Channel guarded =
        ClientInterceptors.interceptForward(
            managed,
            identity(),
            GrpcTelemetry.create(telemetry).newClientInterceptor(),
            new Guard(guard, settings));
    return new PeerChannel(managed, guarded);
  }

  /** What stubs are made on. */
  public Channel channel() {
    return guarded;
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

  private static EquivalentAddressGroup group(String address) {
    int colon = address.lastIndexOf(':');
    try {
      int port = Integer.parseInt(address.substring(colon + 1));
      if (colon > 0 && port > 0 && port <= 65_535) {
        SocketAddress socket =
            InetSocketAddress.createUnresolved(address.substring(0, colon), port);
        return new EquivalentAddressGroup(socket);
      }
    } catch (NumberFormatException e) {
      // named below, with everything else that is no address
    }
    throw new MeshException(
        Fault.MALFORMED_REQUEST,
        "peer address: %s (expected: host:port)".formatted(address),
        Map.of("address", address));
  }

  private static ClientInterceptor identity() {
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
            super.start(listener, headers);
          }
        };
      }
    };
  }

  /** Gives each call its deadline, and asks the guard for leave. */
  private record Guard(PeerGuard guard, PeerSettings settings) implements ClientInterceptor {
    @Override
    public <Q, A> ClientCall<Q, A> interceptCall(
        MethodDescriptor<Q, A> method, CallOptions options, Channel next) {
      PeerGuard.Permit permit;
      try {
        permit = guard.acquire();
      } catch (MeshException e) {
        return new Refused<>(e);
      }
      CallOptions timed = method.getType().serverSendsOneMessage() ? timed(options) : options;
      return new SimpleForwardingClientCall<>(next.newCall(method, timed)) {
        @Override
        public void start(Listener<A> listener, Metadata headers) {
          try {
            super.start(
                new SimpleForwardingClientCallListener<>(listener) {
                  @Override
                  public void onClose(Status status, Metadata trailers) {
                    permit.end(verdict(status));
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

    /** At most the attempt timeout; less if the caller, or the Context, leaves less. */
    private CallOptions timed(CallOptions options) {
      Deadline attempt = Deadline.after(settings.callTimeout().toNanos(), TimeUnit.NANOSECONDS);
      Deadline own = options.getDeadline();
      return options.withDeadline(own == null ? attempt : own.minimum(attempt));
    }

    private static PeerGuard.Verdict verdict(Status status) {
      return switch (status.getCode()) {
        case UNAVAILABLE, INTERNAL, UNKNOWN, DATA_LOSS -> PeerGuard.Verdict.FAILED;
        case DEADLINE_EXCEEDED ->
            Context.current().isCancelled() ? PeerGuard.Verdict.IGNORED : PeerGuard.Verdict.FAILED;
        case CANCELLED -> PeerGuard.Verdict.IGNORED;
        default -> PeerGuard.Verdict.SUCCEEDED; // it answered, whatever it said
      };
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

  /** Resolves one peer's name to its configured addresses; host names are looked up on connect. */
  private static final class FixedAddresses extends NameResolverProvider {
    private final String peer;
    private final List<EquivalentAddressGroup> groups;

    FixedAddresses(String peer, List<EquivalentAddressGroup> groups) {
      this.peer = peer;
      this.groups = groups;
    }

    @Override
    public NameResolver newNameResolver(URI target, NameResolver.Args args) {
      return new NameResolver() {
        @Override
        public String getServiceAuthority() {
          return peer;
        }

        @Override
        public void start(Listener2 listener) {
          listener.onResult(
              ResolutionResult.newBuilder()
                  .setAddressesOrError(StatusOr.fromValue(groups))
                  .setAttributes(Attributes.EMPTY)
                  .build());
        }

        @Override
        public void shutdown() {}
      };
    }

    @Override
    protected boolean isAvailable() {
      return true;
    }

    @Override
    protected int priority() {
      return 5;
    }

    @Override
    public String getDefaultScheme() {
      return "ballast";
    }
  }
}
