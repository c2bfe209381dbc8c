package io.ballast.standalone.cli;

import io.ballast.policy.v1.AliasCanary;
import io.ballast.policy.v1.AliasMove;
import io.ballast.policy.v1.BreakGlassAliasRequest;
import io.ballast.policy.v1.BreakGlassAliasResponse;
import io.ballast.policy.v1.CanaryOutcome;
import io.ballast.policy.v1.EndCanaryRequest;
import io.ballast.policy.v1.EndCanaryResponse;
import io.ballast.policy.v1.GetVersionRequest;
import io.ballast.policy.v1.GetVersionResponse;
import io.ballast.policy.v1.ListAliasesRequest;
import io.ballast.policy.v1.ListAliasesResponse;
import io.ballast.policy.v1.ListVersionsRequest;
import io.ballast.policy.v1.ListVersionsResponse;
import io.ballast.policy.v1.PolicyAlias;
import io.ballast.policy.v1.PolicyVersion;
import io.ballast.policy.v1.PromoteAliasRequest;
import io.ballast.policy.v1.PromoteAliasResponse;
import io.ballast.policy.v1.RegisterVersionRequest;
import io.ballast.policy.v1.RegisterVersionResponse;
import io.ballast.policy.v1.RollBackAliasRequest;
import io.ballast.policy.v1.RollBackAliasResponse;
import io.ballast.policy.v1.VersionServiceGrpc;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;

/** Versions "1", which serves, and "2", a run's; every move is made as it is asked for. */
final class FakeVersions extends VersionServiceGrpc.VersionServiceImplBase {
  private final FakeMesh mesh;

  FakeVersions(FakeMesh mesh) {
    this.mesh = mesh;
  }

  @Override
  public void listVersions(
      ListVersionsRequest request, StreamObserver<ListVersionsResponse> observer) {
    mesh.answer(
        request,
        observer,
        q ->
            ListVersionsResponse.newBuilder()
                .addVersions(
                    PolicyVersion.newBuilder()
                        .setVersion(FakeMesh.POLICY.toBuilder().setVersion("2"))
                        .setParentVersion("1"))
                .addVersions(PolicyVersion.newBuilder().setVersion(FakeMesh.POLICY))
                .build());
  }

  @Override
  public void getVersion(GetVersionRequest request, StreamObserver<GetVersionResponse> observer) {
    if (!request.getSelector().getVersion().equals("2")) {
      mesh.requests.add(request);
      observer.onError(
          Status.NOT_FOUND
              .withDescription("no version %s".formatted(request.getSelector().getVersion()))
              .asRuntimeException());
      return;
    }
    mesh.answer(
        request,
        observer,
        q ->
            GetVersionResponse.newBuilder()
                .setVersion(
                    PolicyVersion.newBuilder()
                        .setVersion(FakeMesh.POLICY.toBuilder().setVersion("2"))
                        .setParentVersion("1")
                        .setRunId(FakeMesh.RUN_ID))
                .build());
  }

  @Override
  public void registerVersion(
      RegisterVersionRequest request, StreamObserver<RegisterVersionResponse> observer) {
    mesh.answer(
        request,
        observer,
        q ->
            RegisterVersionResponse.newBuilder()
                .setVersion(
                    PolicyVersion.newBuilder()
                        .setVersion(
                            FakeMesh.POLICY.toBuilder()
                                .setModel(q.getModel())
                                .setVersion(q.getVersion()))
                        .setParentVersion(q.getParentVersion()))
                .build());
  }

  @Override
  public void listAliases(
      ListAliasesRequest request, StreamObserver<ListAliasesResponse> observer) {
    mesh.answer(
        request, observer, q -> ListAliasesResponse.newBuilder().addAliases(alias("1")).build());
  }

  @Override
  public void promoteAlias(
      PromoteAliasRequest request, StreamObserver<PromoteAliasResponse> observer) {
    mesh.answer(
        request,
        observer,
        q ->
            PromoteAliasResponse.newBuilder()
                .setAlias(
                    q.hasCanary()
                        ? alias("1").toBuilder()
                            .setCanary(
                                AliasCanary.newBuilder()
                                    .setVersion(q.getNewVersion())
                                    .setShare(q.getCanary().getShare()))
                            .build()
                        : alias(q.getNewVersion()))
                .build());
  }

  @Override
  public void endCanary(EndCanaryRequest request, StreamObserver<EndCanaryResponse> observer) {
    mesh.answer(
        request,
        observer,
        q ->
            EndCanaryResponse.newBuilder()
                .setAlias(
                    alias(
                        q.getOutcome() == CanaryOutcome.CANARY_OUTCOME_COMPLETE
                            ? q.getCanaryVersion()
                            : "1"))
                .build());
  }

  @Override
  public void breakGlassAlias(
      BreakGlassAliasRequest request, StreamObserver<BreakGlassAliasResponse> observer) {
    mesh.answer(
        request,
        observer,
        q -> BreakGlassAliasResponse.newBuilder().setAlias(alias(q.getNewVersion())).build());
  }

  @Override
  public void rollBackAlias(
      RollBackAliasRequest request, StreamObserver<RollBackAliasResponse> observer) {
    mesh.answer(
        request, observer, q -> RollBackAliasResponse.newBuilder().setAlias(alias("1")).build());
  }

  private static PolicyAlias alias(String version) {
    return PolicyAlias.newBuilder()
        .setModel("java-tiny")
        .setAlias("serving")
        .setVersion(version)
        .setRevision(1)
        .addMoves(AliasMove.newBuilder().setToVersion("1").setKind("create"))
        .build();
  }
}
