package io.ballast.safety.adapter;

import io.ballast.kit.call.PinnedVersion;
import io.ballast.kit.grpc.PeerFaults;
import io.ballast.kit.grpc.Timestamps;
import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.policy.v1.AliasMove;
import io.ballast.policy.v1.ListAliasesRequest;
import io.ballast.policy.v1.PolicyAlias;
import io.ballast.policy.v1.VersionServiceGrpc;
import io.ballast.policy.v1.VersionServiceGrpc.VersionServiceBlockingStub;
import io.ballast.safety.core.safetytest.AliasRecord;
import io.grpc.Channel;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.util.Optional;
import java.util.UUID;

/** The policy-server as the record of what certificates have moved. */
public final class GrpcAliasRecord implements AliasRecord {
  private final VersionServiceBlockingStub versions;
  private final Duration timeout;

  /**
   * @param timeout how long a call may take, at most what is left of the caller's deadline
   */
  public GrpcAliasRecord(Channel policyServer, Duration timeout) {
    this.versions = VersionServiceGrpc.newBlockingStub(policyServer);
    this.timeout = timeout;
  }

  @Override
  public Optional<String> spent(
      PinnedVersion candidate, String alias, UUID certificateId, String tenant) {
    ListAliasesRequest request =
        ListAliasesRequest.newBuilder()
            .setMetadata(RequestMetadata.newBuilder().setTenant(tenant))
            .setModel(candidate.model())
            .build();
    try {
      return versions.withDeadlineAfter(timeout).listAliases(request).getAliasesList().stream()
          .filter(each -> each.getAlias().equals(alias))
          .filter(each -> !serves(each, candidate.version()))
          .flatMap(each -> each.getMovesList().stream())
          .filter(move -> move.getCertificateId().equals(certificateId.toString()))
          .map(move -> spelled(alias, move))
          .findFirst();
    } catch (StatusRuntimeException e) {
      throw PeerFaults.translate(e, "policy-server");
    }
  }

  private static boolean serves(PolicyAlias alias, String version) {
    return alias.getVersion().equals(version)
        || (alias.hasCanary() && alias.getCanary().getVersion().equals(version));
  }

  private static String spelled(String alias, AliasMove move) {
    return "alias: it moved %s at %s, which serves another version since (expected: a certificate that did not)"
        .formatted(alias, Timestamps.instant(move.getMoveTime()));
  }
}
