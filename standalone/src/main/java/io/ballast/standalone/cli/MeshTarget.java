package io.ballast.standalone.cli;

import io.ballast.kit.error.MeshException;
import io.ballast.kit.runtime.Role;
import io.ballast.kit.security.ClientTls;
import io.ballast.mesh.v1.RequestMetadata;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.ClientInterceptors;
import io.grpc.ForwardingClientCall.SimpleForwardingClientCall;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthGrpc;
import io.grpc.netty.NettyChannelBuilder;
import io.netty.handler.ssl.SslContext;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Where the mesh is, and on whose behalf it is asked. */
final class MeshTarget {
  /** Where {@code ./mesh up} listens. */
  static final String DEFAULT = "127.0.0.1:9100";

  private static final Metadata.Key<String> AUTHORIZATION =
      Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);

  @Option(
      names = "--target",
      paramLabel = "HOST:PORT",
      description = "Where the mesh listens (default: " + DEFAULT + ", or $$BALLAST_TARGET).")
  private @Nullable String target;

  @Option(
      names = "--timeout",
      paramLabel = "TIME",
      defaultValue = "30s",
      converter = DurationText.class,
      description = "How long an answer may take, such as 500ms or 2m (default: 30s).")
  private Duration timeout = Duration.ofSeconds(30);

  @Option(
      names = "--tenant",
      paramLabel = "NAME",
      defaultValue = "",
      description = "On whose behalf (default: the tenant \"default\").")
  private String tenant = "";

  @Option(
      names = "--tls-ca",
      paramLabel = "FILE",
      description =
          "Encrypt; the mesh must be vouched for by these authorities, PEM, or system (default:"
              + " $$BALLAST_TLS_CA).")
  private @Nullable String authorities;

  @Option(
      names = "--tls-certificate",
      paramLabel = "FILE",
      description = "What you prove yourself with, PEM (default: $$BALLAST_CLIENT_CERTIFICATE).")
  private @Nullable String certificate;

  @Option(
      names = "--tls-key",
      paramLabel = "FILE",
      description = "Its key, PEM (default: $$BALLAST_CLIENT_KEY).")
  private @Nullable String key;

  private final CommandContext context;

  MeshTarget(CommandContext context) {
    this.context = context;
  }

  /** Where the mesh is looked for. */
  String address() {
    if (target != null) {
      return target;
    }
    return context.environment().getOrDefault("BALLAST_TARGET", DEFAULT);
  }

  /** How long an answer may take. */
  Duration timeout() {
    return timeout;
  }

  /** Who asks; for calls that change nothing. */
  RequestMetadata metadata() {
    return RequestMetadata.newBuilder().setTenant(tenant).build();
  }

  /** Who asks, with a key of its own; for calls that change something. */
  RequestMetadata keyedMetadata(@Nullable String key) {
    return metadata().toBuilder()
        .setIdempotencyKey(key == null ? context.newId().get() : key)
        .build();
  }

  /**
   * Connects to the server that has {@code service}: the target, or, in a mesh of four processes
   * whose ports follow each other, the one that {@code role} has.
   *
   * @param service its full name, such as ballast.reward.v1.RewardService
   */
  Connection connect(Role role, String service) {
    Connection connection = new Connection(address());
    if (target != null || role == Role.POLICY_SERVER || connection.has(service)) {
      return connection;
    }
    connection.close();
    return new Connection(shifted(address(), role.ordinal()));
  }

  /**
   * Where the server that has {@code service} is: at the target, or, in a mesh of four processes
   * whose ports follow each other, where {@code role} has its own.
   *
   * @throws CommandFailure UNREACHABLE if nobody answers at the target
   */
  String addressOf(Role role, String service) {
    try (Connection connection = new Connection(address())) {
      return connection.has(service) ? address() : shifted(address(), role.ordinal());
    }
  }

  /** Connects to an address, whatever the target is. */
  Connection connect(String address) {
    return new Connection(address);
  }

  private Optional<SslContext> tls() {
    Map<String, String> variables = context.environment();
    ClientTls.Names names = new ClientTls.Names("--tls-ca", "--tls-certificate", "--tls-key");
    try {
      return ClientTls.of(
              authorities == null ? variables.get("BALLAST_TLS_CA") : authorities,
              certificate == null ? variables.get("BALLAST_CLIENT_CERTIFICATE") : certificate,
              key == null ? variables.get("BALLAST_CLIENT_KEY") : key,
              names)
          .map(given -> given.context(names));
    } catch (MeshException e) {
      throw new CommandFailure(Exit.USAGE, "INVALID_TLS", String.valueOf(e.getMessage()));
    }
  }

  private static String shifted(String address, int by) {
    int colon = address.lastIndexOf(':');
    try {
      return address.substring(0, colon + 1)
          + (Integer.parseInt(address.substring(colon + 1)) + by);
    } catch (NumberFormatException e) {
      return address;
    }
  }

  /** A channel that is closed when the command ends. */
  final class Connection implements AutoCloseable {
    private final String address;
    private final ManagedChannel managed;
    private final Channel channel;

    private Connection(String address) {
      this.address = address;
      try {
        NettyChannelBuilder builder = NettyChannelBuilder.forTarget(address);
        managed = tls().map(builder::sslContext).orElseGet(builder::usePlaintext).build();
      } catch (IllegalArgumentException e) {
        throw new CommandFailure(
            Exit.USAGE, "INVALID_TARGET", "--target: " + address + " (expected: HOST:PORT)");
      }
      channel =
          Optional.ofNullable(context.environment().get("BALLAST_TOKEN"))
              .map(token -> ClientInterceptors.intercept(managed, new Bearer(token)))
              .orElse(managed);
    }

    /** The channel. */
    Channel channel() {
      return channel;
    }

    /** When an answer that is asked for now must have come; for withDeadlineAfter. */
    long timeoutMillis() {
      return timeout.toMillis();
    }

    private boolean has(String service) {
      try {
        var unused =
            HealthGrpc.newBlockingStub(channel)
                .withDeadlineAfter(timeoutMillis(), TimeUnit.MILLISECONDS)
                .check(HealthCheckRequest.newBuilder().setService(service).build());
        return true;
      } catch (StatusRuntimeException e) {
        if (e.getStatus().getCode() == Status.Code.UNAVAILABLE) {
          throw Failures.unreachable(address, e);
        }
        return e.getStatus().getCode() != Status.Code.NOT_FOUND;
      }
    }

    @Override
    public void close() {
      managed.shutdownNow();
    }
  }

  /** Shows the token that a guarded mesh asks for. */
  private record Bearer(String token) implements ClientInterceptor {
    @Override
    public <Q, R> ClientCall<Q, R> interceptCall(
        MethodDescriptor<Q, R> method, CallOptions options, Channel next) {
      return new SimpleForwardingClientCall<>(next.newCall(method, options)) {
        @Override
        public void start(Listener<R> listener, Metadata headers) {
          headers.put(AUTHORIZATION, "Bearer " + token);
          super.start(listener, headers);
        }
      };
    }
  }
}
