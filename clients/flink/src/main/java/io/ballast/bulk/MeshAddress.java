package io.ballast.bulk;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ChannelCredentials;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.ForwardingClientCall.SimpleForwardingClientCall;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.TlsChannelCredentials;
import java.io.File;
import java.io.IOException;
import java.io.Serializable;
import org.jspecify.annotations.Nullable;

/**
 * Where the mesh is. The token is read from the environment where a channel is made, so that
 * neither a job nor a checkpoint has it.
 *
 * @param target {@code host:port}, or {@code dns:///host:port}: all addresses of the name share the
 *     calls
 * @param authorities a file of PEM with those to trust, or "system"; null: nothing is encrypted
 * @param certificate a file of PEM to be known by; null: none
 * @param key its key
 */
record MeshAddress(
    String target, @Nullable String authorities, @Nullable String certificate, @Nullable String key)
    implements Serializable {
  /** The environment variable with the token. */
  static final String TOKEN = "BALLAST_TOKEN";

  private static final Metadata.Key<String> AUTHORIZATION =
      Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);

  /** Returns a channel, which the caller shuts down. */
  ManagedChannel open() throws IOException {
    return Grpc.newChannelBuilder(target, credentials())
        .defaultLoadBalancingPolicy("round_robin")
        .intercept(new Token(System.getenv(TOKEN)))
        .build();
  }

  private ChannelCredentials credentials() throws IOException {
    if (authorities == null) {
      return InsecureChannelCredentials.create();
    }
    TlsChannelCredentials.Builder builder = TlsChannelCredentials.newBuilder();
    if (!authorities.equals("system")) {
      builder.trustManager(new File(authorities));
    }
    if (certificate != null && key != null) {
      builder.keyManager(new File(certificate), new File(key));
    }
    return builder.build();
  }

  private record Token(@Nullable String token) implements ClientInterceptor {
    @Override
    public <Q, A> ClientCall<Q, A> interceptCall(
        MethodDescriptor<Q, A> method, CallOptions options, Channel next) {
      ClientCall<Q, A> call = next.newCall(method, options);
      if (token == null || token.isEmpty()) {
        return call;
      }
      return new SimpleForwardingClientCall<>(call) {
        @Override
        public void start(Listener<A> listener, Metadata headers) {
          headers.put(AUTHORIZATION, "Bearer " + token);
          super.start(listener, headers);
        }
      };
    }
  }
}
