package io.ballast.standalone.demo.mesh;

import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.MetadataUtils;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Opens channels that try again where a busy mesh refuses (grpc-java does it), and that carry the
 * token of a guarded one.
 */
final class Channels {
  private static final int MOST_MESSAGE_BYTES = 64 << 20;

  private static final Metadata.Key<String> AUTHORIZATION =
      Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);

  private Channels() {}

  /** Opens one with the token of this process's environment, which a mesh started from here has. */
  static ManagedChannel open(String target) {
    return open(target, System.getenv("BALLAST_TOKEN"));
  }

  static ManagedChannel open(String target, @Nullable String token) {
    Metadata headers = new Metadata();
    if (token != null && !token.isEmpty()) {
      headers.put(AUTHORIZATION, "Bearer " + token);
    }
    return NettyChannelBuilder.forTarget(target)
        .usePlaintext()
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
