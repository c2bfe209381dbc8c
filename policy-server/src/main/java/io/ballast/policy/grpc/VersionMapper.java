package io.ballast.policy.grpc;

import com.google.protobuf.InvalidProtocolBufferException;
import io.ballast.kit.call.Texts;
import io.ballast.kit.call.VersionSelector;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.kit.grpc.MeshMessages;
import io.ballast.kit.grpc.Timestamps;
import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.policy.core.feedback.Payload;
import io.ballast.policy.core.version.Alias;
import io.ballast.policy.core.version.AliasMove.Kind;
import io.ballast.policy.core.version.BreakGlass;
import io.ballast.policy.core.version.CanaryStep;
import io.ballast.policy.core.version.MoveRequest;
import io.ballast.policy.core.version.RegisteredVersion;
import io.ballast.policy.v1.AliasCanary;
import io.ballast.policy.v1.AliasMove;
import io.ballast.policy.v1.BreakGlassAliasRequest;
import io.ballast.policy.v1.CanaryNumbers;
import io.ballast.policy.v1.EndCanaryRequest;
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
    alias.moves().forEach(move -> message.addMoves(toMove(move)));
    alias
        .canary()
        .ifPresent(
            canary ->
                message.setCanary(
                    AliasCanary.newBuilder()
                        .setVersion(canary.version())
                        .setShare(share(canary.share()))
                        .setStartRevision(canary.startRevision())
                        .setStartTime(Timestamps.of(canary.startedAt()))));
    return message.build();
  }

  /** An alias with no move but its latest. */
  public PolicyAlias latest(Alias alias) {
    PolicyAlias.Builder message = toAlias(alias).toBuilder();
    AliasMove move = message.getMoves(0);
    return message.clearMoves().addMoves(move).build();
  }

  private static AliasMove toMove(io.ballast.policy.core.version.AliasMove move) {
    AliasMove.Builder message =
        AliasMove.newBuilder()
            .setFromVersion(move.fromVersion())
            .setToVersion(move.toVersion())
            .setMoveTime(Timestamps.of(move.movedAt()))
            .setCertificateId(move.certificateId())
            .setFolderSha256(move.folderSha256())
            .setRedemptionId(move.redemptionId())
            .setKind(move.kind().label())
            .setActor(move.breakGlass().map(BreakGlass::actor).orElse(""))
            .setReason(move.breakGlass().map(BreakGlass::reason).orElse(""));
    move.canary()
        .ifPresent(
            step -> {
              message
                  .setCanaryVersion(step.version())
                  .setCanaryShare(share(step.share()))
                  .setReason(step.reason());
              if (step.numbers().toBytes().length > 0) {
                message.setCanaryNumbers(numbers(step.numbers()));
              }
            });
    return message.build();
  }

  private static double share(int buckets) {
    return (double) buckets / CanaryStep.BUCKETS;
  }

  private static CanaryNumbers numbers(Payload kept) {
    try {
      return CanaryNumbers.parseFrom(kept.toBytes());
    } catch (InvalidProtocolBufferException e) {
      throw new MeshException(Fault.DEPENDENCY_BROKEN, "a canary's numbers cannot be read", e);
    }
  }

  /** A promotion; {@code model} has its default filled in. */
  MoveRequest toMove(PromoteAliasRequest request, String model) {
    return new MoveRequest(
        calls.caller(request.getMetadata()),
        model,
        aliasOrServing(request.getAlias()),
        request.hasCanary() ? Kind.CANARY : Kind.PROMOTE,
        request.getExpectedVersion(),
        request.getNewVersion(),
        request.getCertificateId(),
        Optional.empty(),
        request.hasCanary()
            ? Optional.of(CanaryStep.begin(request.getNewVersion(), request.getCanary().getShare()))
            : Optional.empty());
  }

  /** The end of a canary; {@code model} has its default filled in. */
  MoveRequest toMove(EndCanaryRequest request, String model) {
    Kind kind =
        switch (request.getOutcome()) {
          case CANARY_OUTCOME_ROLL_BACK -> Kind.CANARY_ROLL_BACK;
          case CANARY_OUTCOME_COMPLETE -> Kind.CANARY_COMPLETE;
          case CANARY_OUTCOME_UNSPECIFIED, UNRECOGNIZED ->
              throw Texts.malformed("outcome", "unknown (expected: ROLL_BACK or COMPLETE)");
        };
    return new MoveRequest(
        calls.caller(request.getMetadata()),
        model,
        aliasOrServing(request.getAlias()),
        kind,
        "",
        request.getCanaryVersion(),
        "",
        Optional.empty(),
        Optional.of(
            CanaryStep.end(
                request.getCanaryVersion(),
                request.getStartRevision(),
                request.getReason(),
                Payload.of(request.getNumbers().toByteArray()))));
  }

  /** A move without a certificate; {@code model} has its default filled in. */
  MoveRequest toMove(BreakGlassAliasRequest request, String model) {
    return new MoveRequest(
        calls.caller(request.getMetadata()),
        model,
        aliasOrServing(request.getAlias()),
        Kind.BREAK_GLASS,
        request.getExpectedVersion(),
        request.getNewVersion(),
        "",
        Optional.of(BreakGlass.of(request.getActor(), request.getReason())),
        Optional.empty());
  }

  /** A step back; {@code model} has its default filled in. */
  MoveRequest toMove(RollBackAliasRequest request, String model) {
    return new MoveRequest(
        calls.caller(request.getMetadata()),
        model,
        aliasOrServing(request.getAlias()),
        Kind.ROLL_BACK,
        request.getExpectedVersion(),
        "",
        "",
        Optional.empty(),
        Optional.empty());
  }

  private static String aliasOrServing(String alias) {
    return alias.isEmpty() ? VersionSelector.SERVING : alias;
  }
}
