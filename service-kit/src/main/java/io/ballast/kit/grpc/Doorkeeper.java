package io.ballast.kit.grpc;

import io.ballast.kit.error.MeshException;
import io.ballast.kit.security.Credentials;
import io.ballast.kit.security.EdgeSecurity;
import io.ballast.kit.security.Known;
import io.ballast.kit.security.Principal;
import io.ballast.kit.security.Right;
import io.ballast.kit.security.RpcAccess;
import io.grpc.Context;
import io.grpc.Grpc;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.StatusRuntimeException;
import java.net.Inet6Address;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.HexFormat;
import java.util.Objects;
import java.util.Optional;
import javax.net.ssl.SSLPeerUnverifiedException;
import javax.net.ssl.SSLSession;
import org.jspecify.annotations.Nullable;

/**
 * Lets in whoever is known and has a right that leads to the RPC, as often as they may call;
 * everybody else is told why not before a message is read. Each request of a stream is a call, too,
 * and a stream ends when what its caller showed expires.
 */
final class Doorkeeper implements ServerInterceptor {
  private static final int IPV6_NETWORK_BYTES = 8;

  private final EdgeSecurity security;
  private final ExpiringStreams streams;

  /**
   * @param streams ends those whose callers are known no more
   */
  Doorkeeper(EdgeSecurity security, ExpiringStreams streams) {
    this.security = security;
    this.streams = streams;
  }

  @Override
  public <Q, A> ServerCall.Listener<Q> interceptCall(
      ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
    String method = call.getMethodDescriptor().getFullMethodName();
    if (security.identities().isOpen() || RpcAccess.isPublic(method)) {
      return next.startCall(call, headers);
    }
    Known caller;
    Principal principal;
    Right right;
    try {
      caller = security.identities().know(shown(call, headers));
      principal = caller.principal();
      CallIdentity identity = Objects.requireNonNull(CallIdentity.current(), "given before");
      identity.principal(principal);
      if (principal.rights().contains(Right.PEER)) {
        identity.behalf(headers);
      }
      right = RpcAccess.require(principal, method);
      security.rates().count(principal, right);
    } catch (MeshException e) {
      refuse(call, e);
      return new ServerCall.Listener<>() {};
    }
    boolean one = call.getMethodDescriptor().getType().clientSendsOneMessage();
    Runnable count = () -> security.rates().count(principal, right);
    return streams.open(caller, call, headers, one ? next : counted(next, count));
  }

  private static <Q, A> ServerCallHandler<Q, A> counted(
      ServerCallHandler<Q, A> next, Runnable count) {
    return (call, headers) -> {
      CountedRequests<Q, A> stream = new CountedRequests<>(call, count);
      return stream.counted(next.startCall(stream, headers));
    };
  }

  private static Credentials shown(ServerCall<?, ?> call, Metadata headers) {
    return new Credentials(
        Optional.ofNullable(headers.get(ServerEdge.AUTHORIZATION)),
        Optional.ofNullable(call.getAttributes().get(Grpc.TRANSPORT_ATTR_SSL_SESSION))
            .flatMap(Doorkeeper::leaf),
        from(call.getAttributes().get(Grpc.TRANSPORT_ATTR_REMOTE_ADDR)));
  }

  /** Without the port; of IPv6 the network, for its hosts have more addresses than can be kept. */
  static String from(@Nullable SocketAddress remote) {
    if (!(remote instanceof InetSocketAddress known) || known.isUnresolved()) {
      return "";
    }
    return known.getAddress() instanceof Inet6Address address
        ? HexFormat.of().formatHex(address.getAddress(), 0, IPV6_NETWORK_BYTES) + "/64"
        : known.getAddress().getHostAddress();
  }

  private static Optional<Credentials.Shown> leaf(SSLSession session) {
    try {
      return session.getPeerCertificates()[0] instanceof X509Certificate leaf
          ? Optional.of(
              new Credentials.Shown(leaf, Instant.ofEpochMilli(session.getCreationTime())))
          : Optional.empty();
    } catch (SSLPeerUnverifiedException e) {
      return Optional.empty(); // it showed none
    }
  }

  /** Ends {@code call} with {@code why}. */
  static void refuse(ServerCall<?, ?> call, MeshException why) {
    StatusRuntimeException told =
        new StatusMapper(String.valueOf(call.getMethodDescriptor().getServiceName()))
            .judge(why, Context.ROOT)
            .answer();
    Metadata details = new Metadata(); // a call takes over what it is closed with
    details.merge(Objects.requireNonNull(told.getTrailers()));
    call.close(told.getStatus(), details);
  }
}
