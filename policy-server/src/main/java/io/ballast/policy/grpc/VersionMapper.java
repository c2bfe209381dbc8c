package io.ballast.policy.grpc;

import io.ballast.kit.call.VersionSelector;
import io.ballast.kit.grpc.MeshMessages;
import io.ballast.kit.grpc.Timestamps;
import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.policy.core.version.Alias;
import io.ballast.policy.core.version.BreakGlass;
import io.ballast.policy.core.version.MoveRequest;
import io.ballast.policy.core.version.RegisteredVersion;
import io.ballast.policy.v1.AliasMove;
import io.ballast.policy.v1.BreakGlassAliasRequest;
import io.ballast.policy.v1.PolicyAlias;
import io.ballast.policy.v1.PolicyVersion;
import io.ballast.policy.v1.PromoteAliasRequest;
import io.ballast.policy.v1.RollBackAliasRequest;
import java.util.Optional;

/** Translates versions and aliases. */
public final class VersionMapper {
  private final CallMapper calls;

  public VersionMapper(CallMapper calls) {
    this.calls = calls;
  }

  /** Checks who asks, where nothing else depends on it. */
  void requireCaller(RequestMetadata metadata) {
    calls.caller(metadata);
  }

  PolicyVersion toVersion(RegisteredVersion version) {
    return PolicyVersion.newBuilder()
        .setVersion(MeshMessages.version(version.id()))
        .setParentVersion(version.parentVersion())
        .setRunId(version.runId())
        .setRegisterTime(Timestamps.of(version.registeredAt()))
        .setParametersCount(version.parametersCount())
        .setContextTokens(version.contextTokens())
        .build();
  }

  PolicyAlias toAlias(Alias alias) {
    PolicyAlias.Builder message =
        PolicyAlias.newBuilder()
            .setModel(alias.model())
            .setAlias(alias.name())
            .setVersion(alias.version())
            .setRevision(alias.revision());
    alias
        .moves()
        .forEach(
            move ->
                message.addMoves(
                    AliasMove.newBuilder()
                        .setFromVersion(move.fromVersion())
                        .setToVersion(move.toVersion())
                        .setMoveTime(Timestamps.of(move.movedAt()))
                        .setCertificateId(move.certificateId())
                        .setRedemptionId(move.redemptionId())
                        .setKind(move.kind().label())
                        .setActor(move.breakGlass().map(BreakGlass::actor).orElse(""))
                        .setReason(move.breakGlass().map(BreakGlass::reason).orElse(""))));
    return message.build();
  }

  /** A promotion; {@code model} has its default filled in. */
  MoveRequest toMove(PromoteAliasRequest request, String model) {
    return new MoveRequest(
        calls.caller(request.getMetadata()),
        model,
        aliasOrServing(request.getAlias()),
        io.ballast.policy.core.version.AliasMove.Kind.PROMOTE,
        request.getExpectedVersion(),
        request.getNewVersion(),
        request.getCertificateId(),
        Optional.empty());
  }

  /** A move without a certificate; {@code model} has its default filled in. */
  MoveRequest toMove(BreakGlassAliasRequest request, String model) {
    return new MoveRequest(
        calls.caller(request.getMetadata()),
        model,
        aliasOrServing(request.getAlias()),
        io.ballast.policy.core.version.AliasMove.Kind.BREAK_GLASS,
        request.getExpectedVersion(),
        request.getNewVersion(),
        "",
        Optional.of(BreakGlass.of(request.getActor(), request.getReason())));
  }

  /** A step back; {@code model} has its default filled in. */
  MoveRequest toMove(RollBackAliasRequest request, String model) {
    return new MoveRequest(
        calls.caller(request.getMetadata()),
        model,
        aliasOrServing(request.getAlias()),
        io.ballast.policy.core.version.AliasMove.Kind.ROLL_BACK,
        request.getExpectedVersion(),
        "",
        "",
        Optional.empty());
  }

  private static String aliasOrServing(String alias) {
    return alias.isEmpty() ? VersionSelector.SERVING : alias;
  }
}
