package io.ballast.standalone.demo.mesh;

import io.ballast.kit.security.ClientTls;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.MetadataUtils;
import io.netty.handler.ssl.SslContext;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Opens channels that try again where a busy mesh refuses (grpc-java does it), and that carry the
 * token of a guarded one.
 */
final class Channels {
  private static final int MOST_MESSAGE_BYTES = 64 << 20;

  private static final Metadata.Key<String> AUTHORIZATION =
      Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);

  private static final ClientTls.Names VARIABLES =
      new ClientTls.Names("BALLAST_TLS_CA", "BALLAST_CLIENT_CERTIFICATE", "BALLAST_CLIENT_KEY");

  private Channels() {}

  /**
   * Opens one with what this process's environment has: the token, which a mesh started from here
   * has too, and the files of TLS.
   */
  static ManagedChannel open(String target) {
    Optional<SslContext> tls =
        ClientTls.of(
                System.getenv(VARIABLES.authorities()),
                System.getenv(VARIABLES.certificate()),
                System.getenv(VARIABLES.key()),
                VARIABLES)
            .map(given -> given.context(VARIABLES));
    return open(target, System.getenv("BALLAST_TOKEN"), tls);
  }

  static ManagedChannel open(String target, @Nullable String token) {
    return open(target, token, Optional.empty());
  }

  private static ManagedChannel open(
      String target, @Nullable String token, Optional<SslContext> tls) {
    Metadata headers = new Metadata();
    if (token != null && !token.isEmpty()) {
      headers.put(AUTHORIZATION, "Bearer " + token);
    }
    NettyChannelBuilder builder = NettyChannelBuilder.forTarget(target);
    return tls.map(builder::sslContext)
        .orElseGet(builder::usePlaintext)
        .intercept(MetadataUtils.newAttachHeadersInterceptor(headers))
        .maxInboundMessageSize(MOST_MESSAGE_BYTES)
        .enableRetry()
        .disableServiceConfigLookUp()
        .defaultServiceConfig(
            Map.of(
                "methodConfig",
                List.of(
                    Map.of(
                        "name",
                        List.of(Map.of()),
                        "retryPolicy",
                        Map.of(
                            "maxAttempts",
                            5.0,
                            "initialBackoff",
                            "0.2s",
                            "maxBackoff",
                            "2s",
                            "backoffMultiplier",
                            2.0,
                            "retryableStatusCodes",
                            List.of("UNAVAILABLE", "RESOURCE_EXHAUSTED"))))))
        .build();
  }
}
