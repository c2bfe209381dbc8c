package io.ballast.reward.adapter;

import io.ballast.kit.grpc.PeerFaults;
import io.ballast.mesh.v1.ModelSelector;
import io.ballast.policy.v1.GetVersionRequest;
import io.ballast.policy.v1.VersionServiceGrpc;
import io.grpc.Channel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/** The policy-server knows where aliases point. */
public final class GrpcServingVersions implements ServingVersions {
  private static final String PEER = "policy-server";
  private static final String SERVING = "serving";
  private static final Duration TIMEOUT = Duration.ofSeconds(5);

  private final VersionServiceGrpc.VersionServiceBlockingStub versions;

  /**
   * @param policyServer stays its owner's
   */
  public GrpcServingVersions(Channel policyServer) {
    this.versions = VersionServiceGrpc.newBlockingStub(policyServer);
  }

  @Override
  public Optional<String> of(String model) {
    GetVersionRequest request =
        GetVersionRequest.newBuilder()
            .setSelector(ModelSelector.newBuilder().setModel(model).setAlias(SERVING))
            .build();
    try {
      return Optional.of(
          versions
              .withDeadlineAfter(TIMEOUT.toNanos(), TimeUnit.NANOSECONDS)
              .getVersion(request)
              .getVersion()
              .getVersion()
              .getVersion());
    } catch (StatusRuntimeException e) {
      if (e.getStatus().getCode() == Status.Code.NOT_FOUND) {
        return Optional.empty();
      }
      throw PeerFaults.translate(e, PEER);
    }
  }
}
