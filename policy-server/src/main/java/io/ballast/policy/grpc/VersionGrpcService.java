package io.ballast.policy.grpc;

import io.ballast.kit.grpc.MeshMessages;
import io.ballast.kit.grpc.Replies;
import io.ballast.policy.core.version.AliasMoves;
import io.ballast.policy.core.version.RegisteredVersion;
import io.ballast.policy.core.version.VersionCatalog;
import io.ballast.policy.v1.BreakGlassAliasRequest;
import io.ballast.policy.v1.BreakGlassAliasResponse;
import io.ballast.policy.v1.EndCanaryRequest;
import io.ballast.policy.v1.EndCanaryResponse;
import io.ballast.policy.v1.GetVersionRequest;
import io.ballast.policy.v1.GetVersionResponse;
import io.ballast.policy.v1.ListAliasesRequest;
import io.ballast.policy.v1.ListAliasesResponse;
import io.ballast.policy.v1.ListVersionsRequest;
import io.ballast.policy.v1.ListVersionsResponse;
import io.ballast.policy.v1.PromoteAliasRequest;
import io.ballast.policy.v1.PromoteAliasResponse;
import io.ballast.policy.v1.RegisterVersionRequest;
import io.ballast.policy.v1.RegisterVersionResponse;
import io.ballast.policy.v1.RollBackAliasRequest;
import io.ballast.policy.v1.RollBackAliasResponse;
import io.ballast.policy.v1.VersionServiceGrpc;
import io.grpc.stub.StreamObserver;

/** The version API's edge: translates, delegates, answers. */
public final class VersionGrpcService extends VersionServiceGrpc.VersionServiceImplBase {
  private final VersionCatalog catalog;
  private final AliasMoves moves;
  private final VersionMapper mapper;
  private final Replies replies;

  public VersionGrpcService(
      VersionCatalog catalog, AliasMoves moves, CallMapper calls, Replies replies) {
    this.catalog = catalog;
    this.moves = moves;
    this.mapper = new VersionMapper(calls);
    this.replies = replies;
  }

  @Override
  public void listVersions(
      ListVersionsRequest request, StreamObserver<ListVersionsResponse> observer) {
    replies.unary(
        observer,
        () -> {
          mapper.requireCaller(request.getMetadata());
          return ListVersionsResponse.newBuilder()
              .addAllVersions(
                  catalog.versions(request.getModel()).stream().map(mapper::toVersion).toList())
              .build();
        });
  }

  @Override
  public void getVersion(GetVersionRequest request, StreamObserver<GetVersionResponse> observer) {
    replies.unary(
        observer,
        () -> {
          mapper.requireCaller(request.getMetadata());
          RegisteredVersion version = catalog.version(MeshMessages.selector(request.getSelector()));
          return GetVersionResponse.newBuilder()
              .setVersion(
                  mapper.toVersion(version).toBuilder()
                      .setFolderSha256(catalog.folderSha256(version.id())))
              .build();
        });
  }

  @Override
  public void registerVersion(
      RegisterVersionRequest request, StreamObserver<RegisterVersionResponse> observer) {
    replies.unary(
        observer,
        () -> {
          mapper.requireCaller(request.getMetadata());
          return RegisterVersionResponse.newBuilder()
              .setVersion(
                  mapper.toVersion(
                      catalog.register(
                          catalog.modelOrDefault(request.getModel()),
                          request.getVersion(),
                          request.getParentVersion(),
                          request.getRunId())))
              .build();
        });
  }

  @Override
  public void listAliases(
      ListAliasesRequest request, StreamObserver<ListAliasesResponse> observer) {
    replies.unary(
        observer,
        () -> {
          mapper.requireCaller(request.getMetadata());
          return ListAliasesResponse.newBuilder()
              .addAllAliases(
                  catalog.aliases(request.getModel()).stream().map(mapper::toAlias).toList())
              .build();
        });
  }

  @Override
  public void promoteAlias(
      PromoteAliasRequest request, StreamObserver<PromoteAliasResponse> observer) {
    replies.unary(
        observer,
        () ->
            PromoteAliasResponse.newBuilder()
                .setAlias(
                    mapper.toAlias(
                        moves.move(
                            mapper.toMove(request, catalog.modelOrDefault(request.getModel())))))
                .build());
  }

  @Override
  public void breakGlassAlias(
      BreakGlassAliasRequest request, StreamObserver<BreakGlassAliasResponse> observer) {
    String secret = BreakGlassHeader.current();
    replies.unary(
        observer,
        () ->
            BreakGlassAliasResponse.newBuilder()
                .setAlias(
                    mapper.toAlias(
                        moves.breakGlass(
                            mapper.toMove(request, catalog.modelOrDefault(request.getModel())),
                            secret)))
                .build());
  }

  @Override
  public void endCanary(EndCanaryRequest request, StreamObserver<EndCanaryResponse> observer) {
    replies.unary(
        observer,
        () ->
            EndCanaryResponse.newBuilder()
                .setAlias(
                    mapper.toAlias(
                        moves.move(
                            mapper.toMove(request, catalog.modelOrDefault(request.getModel())))))
                .build());
  }

  @Override
  public void rollBackAlias(
      RollBackAliasRequest request, StreamObserver<RollBackAliasResponse> observer) {
    replies.unary(
        observer,
        () ->
            RollBackAliasResponse.newBuilder()
                .setAlias(
                    mapper.toAlias(
                        moves.move(
                            mapper.toMove(request, catalog.modelOrDefault(request.getModel())))))
                .build());
  }
}
