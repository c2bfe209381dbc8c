package io.ballast.standalone.demo.mesh;

import io.grpc.ManagedChannel;
import io.grpc.netty.NettyChannelBuilder;
import java.util.List;
import java.util.Map;

/** Opens channels that try again where a busy mesh refuses; grpc-java does it. */
final class Channels {
  private static final int MOST_MESSAGE_BYTES = 64 << 20;

  private Channels() {}

  static ManagedChannel open(String target) {
    return NettyChannelBuilder.forTarget(target)
        .usePlaintext()
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
