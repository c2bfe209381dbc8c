package io.ballast.orchestrator.adapter;

import io.ballast.kit.call.PinnedVersion;
import io.ballast.kit.grpc.MeshMessages;
import io.ballast.mesh.v1.ModelSelector;
import io.ballast.orchestrator.core.VersionSelector;
import io.ballast.orchestrator.core.peer.PolicyVersions;
import io.ballast.policy.v1.GetVersionRequest;
import io.ballast.policy.v1.PromoteAliasRequest;
import io.ballast.policy.v1.RegisterVersionRequest;
import io.ballast.policy.v1.RegisterVersionResponse;
import io.ballast.policy.v1.VersionServiceGrpc;
import io.grpc.Channel;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

/** Versions and aliases by the policy-server's VersionService. */
public final class GrpcPolicyVersions implements PolicyVersions {
  private final VersionServiceGrpc.VersionServiceBlockingStub stub;
  private final Duration timeout;

  /**
   * @param timeout of one call
   */
  public GrpcPolicyVersions(Channel policyServer, Duration timeout) {
    this.stub = VersionServiceGrpc.newBlockingStub(policyServer);
    this.timeout = timeout;
  }

  private VersionServiceGrpc.VersionServiceBlockingStub timed() {
    return stub.withDeadlineAfter(timeout.toNanos(), TimeUnit.NANOSECONDS);
  }

  @Override
  public PinnedVersion resolve(VersionSelector selector) {
    ModelSelector.Builder meant = ModelSelector.newBuilder().setModel(selector.model());
    ModelSelector built =
        selector.alias()
            ? meant.setAlias(selector.name()).build()
            : meant.setVersion(selector.name()).build();
    GetVersionRequest request = GetVersionRequest.newBuilder().setSelector(built).build();
    return PeerCalls.call(
        PeerCalls.POLICY_SERVER,
        () -> MeshMessages.version(timed().getVersion(request).getVersion().getVersion()));
  }

  @Override
  public void register(String tenant, PinnedVersion version, String parentVersion, String runId) {
    RegisterVersionRequest request =
        RegisterVersionRequest.newBuilder()
            .setMetadata(PeerCalls.metadata(tenant))
            .setModel(version.model())
            .setVersion(version.version())
            .setParentVersion(parentVersion)
            .setRunId(runId)
            .build();
    RegisterVersionResponse answer =
        PeerCalls.call(PeerCalls.POLICY_SERVER, () -> timed().registerVersion(request));
    String sha = answer.getVersion().getVersion().getWeightsSha256();
    if (!sha.equals(version.weightsSha256())) {
      throw PeerCalls.broken(
          PeerCalls.POLICY_SERVER,
          "registered %s with weights %s, not %s".formatted(version, sha, version.weightsSha256()));
    }
  }

  @Override
  public void promote(Promotion promotion) {
    PromoteAliasRequest request =
        PromoteAliasRequest.newBuilder()
            .setMetadata(PeerCalls.metadata(promotion.tenant(), promotion.key()))
            .setModel(promotion.base().model())
            .setAlias(promotion.alias())
            .setExpectedVersion(promotion.base().version())
            .setNewVersion(promotion.candidate().version())
            .setCertificateId(promotion.certificateId())
            .build();
    var unused = PeerCalls.call(PeerCalls.POLICY_SERVER, () -> timed().promoteAlias(request));
  }
}
