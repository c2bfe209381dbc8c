package io.ballast.safety.adapter;

import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.kit.grpc.PeerFaults;
import io.ballast.kit.grpc.Timestamps;
import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.policy.v1.AliasCanary;
import io.ballast.policy.v1.CanaryNumbers;
import io.ballast.policy.v1.CanaryOutcome;
import io.ballast.policy.v1.EndCanaryRequest;
import io.ballast.policy.v1.ListAliasesRequest;
import io.ballast.policy.v1.PolicyAlias;
import io.ballast.policy.v1.VersionServiceGrpc;
import io.ballast.policy.v1.VersionServiceGrpc.VersionServiceBlockingStub;
import io.ballast.safety.core.canary.BoundedMean;
import io.ballast.safety.core.canary.CanarySubject;
import io.ballast.safety.core.canary.CanaryTerms;
import io.ballast.safety.core.canary.CanaryWatch;
import io.ballast.safety.core.canary.PolicyCanaries;
import io.grpc.Channel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.IntStream;

/** The canaries of a policy-server, by its API. */
public final class GrpcPolicyCanaries implements PolicyCanaries {
  private static final String PEER = "policy-server";
  private static final String REQUEST = "canary-watch";

  private final VersionServiceBlockingStub versions;
  private final Duration listTimeout;
  private final Duration endTimeout;

  /**
   * @param listTimeout how long a call for aliases may take
   * @param endTimeout how long the end of a canary may, which waits for other moves
   */
  public GrpcPolicyCanaries(Channel policyServer, Duration listTimeout, Duration endTimeout) {
    this.versions = VersionServiceGrpc.newBlockingStub(policyServer);
    this.listTimeout = listTimeout;
    this.endTimeout = endTimeout;
  }

  @Override
  public List<WatchedAlias> aliases(String model) {
    ListAliasesRequest request =
        ListAliasesRequest.newBuilder()
            .setMetadata(RequestMetadata.newBuilder().setRequestId(REQUEST))
            .setModel(model)
            .build();
    try {
      return versions.withDeadlineAfter(listTimeout).listAliases(request).getAliasesList().stream()
          .map(GrpcPolicyCanaries::alias)
          .toList();
    } catch (StatusRuntimeException e) {
      if (e.getStatus().getCode() == Status.Code.NOT_FOUND) {
        throw new MeshException(
            Fault.UNKNOWN_MODEL,
            "the policy-server knows no model '%s'".formatted(model),
            Map.of("model", model));
      }
      throw PeerFaults.translate(e, PEER);
    }
  }

  private static WatchedAlias alias(PolicyAlias alias) {
    List<Move> moves =
        IntStream.range(0, alias.getMovesCount())
            .mapToObj(
                i ->
                    new Move(
                        alias.getRevision() - i,
                        alias.getMoves(i).getKind(),
                        alias.getMoves(i).getReason()))
            .toList();
    try {
      return new WatchedAlias(
          alias.getAlias(),
          alias.hasCanary() ? Optional.of(subject(alias, alias.getCanary())) : Optional.empty(),
          "",
          moves);
    } catch (MeshException e) {
      return new WatchedAlias(
          alias.getAlias(), Optional.empty(), String.valueOf(e.getMessage()), moves);
    }
  }

  private static CanarySubject subject(PolicyAlias alias, AliasCanary canary) {
    String certificate = alias.getMoves(0).getCertificateId();
    try {
      return new CanarySubject(
          alias.getModel(),
          alias.getAlias(),
          canary.getStartRevision(),
          canary.getVersion(),
          alias.getVersion(),
          canary.getShare(),
          UUID.fromString(certificate),
          Timestamps.instant(canary.getStartTime()));
    } catch (IllegalArgumentException e) {
      throw new MeshException(
          Fault.DEPENDENCY_BROKEN,
          "%s: canary %s has the certificate '%s' (expected: a UUID)"
              .formatted(PEER, canary.getVersion(), certificate),
          e);
    }
  }

  @Override
  public void end(End end) {
    CanarySubject subject = end.watch().subject();
    EndCanaryRequest request =
        EndCanaryRequest.newBuilder()
            .setMetadata(
                RequestMetadata.newBuilder()
                    .setRequestId(REQUEST + ":" + end.watch().id())
                    .setIdempotencyKey(end.key()))
            .setModel(subject.model())
            .setAlias(subject.alias())
            .setCanaryVersion(subject.canaryVersion())
            .setStartRevision(subject.startRevision())
            .setOutcome(
                end.complete()
                    ? CanaryOutcome.CANARY_OUTCOME_COMPLETE
                    : CanaryOutcome.CANARY_OUTCOME_ROLL_BACK)
            .setReason(end.reason())
            .setNumbers(numbers(end.watch(), end.numbers()))
            .build();
    try {
      var unused = versions.withDeadlineAfter(endTimeout).endCanary(request);
    } catch (StatusRuntimeException e) {
      throw PeerFaults.translate(e, PEER);
    }
  }

  private static CanaryNumbers numbers(
      CanaryWatch watch, io.ballast.safety.core.canary.CanaryNumbers known) {
    CanaryTerms terms = watch.terms();
    BoundedMean cost = known.cost();
    BoundedMean canary = known.canaryAccept();
    BoundedMean control = known.controlAccept();
    CanaryNumbers.Builder numbers =
        CanaryNumbers.newBuilder()
            .setCanaryDecisionsCount(cost.count())
            .setControlDecisionsCount(control.count())
            .setCostThreshold(terms.costLimit())
            .setAlpha(terms.alpha());
    if (cost.count() > 0) {
      numbers.setCanaryMeanCost(cost.mean()).setCanaryCostLowerBound(cost.lower());
    }
    if (canary.count() > 0) {
      numbers.setCanaryAcceptRate(canary.mean()).setCanaryAcceptUpperBound(canary.upper());
    }
    if (control.count() > 0) {
      numbers.setControlAcceptRate(control.mean()).setControlAcceptLowerBound(control.lower());
    }
    return numbers.build();
  }
}
