package io.ballast.reward.grpc;

import io.ballast.kit.call.Caller;
import io.ballast.kit.grpc.ContextPatience;
import io.ballast.kit.grpc.MeshMessages;
import io.ballast.kit.grpc.Replies;
import io.ballast.reward.component.CompositeCatalog;
import io.ballast.reward.core.AggregationChoice;
import io.ballast.reward.core.BestOfNFlow;
import io.ballast.reward.core.Ensemble;
import io.ballast.reward.core.EnsembleCatalog;
import io.ballast.reward.core.RewardFlow;
import io.ballast.reward.core.RewardScorer;
import io.ballast.reward.v1.CompareRequest;
import io.ballast.reward.v1.CompareResponse;
import io.ballast.reward.v1.EstimateBestOfNRequest;
import io.ballast.reward.v1.EstimateBestOfNResponse;
import io.ballast.reward.v1.GetGoldenScoresRequest;
import io.ballast.reward.v1.GetGoldenScoresResponse;
import io.ballast.reward.v1.ListRewardModelsRequest;
import io.ballast.reward.v1.ListRewardModelsResponse;
import io.ballast.reward.v1.RewardServiceGrpc;
import io.ballast.reward.v1.ScoreRequest;
import io.ballast.reward.v1.ScoreResponse;
import io.ballast.reward.v1.ScoreStreamRequest;
import io.ballast.reward.v1.ScoreStreamResponse;
import io.ballast.rl.aggregation.AggregationMethod;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;

/** The reward API's edge: translates, delegates, answers. Decides nothing. */
public final class RewardGrpcService extends RewardServiceGrpc.RewardServiceImplBase {
  private final RewardFlow ensembles;
  private final RewardScorer scorer;
  private final CompositeCatalog composites;
  private final BestOfNFlow bestOfN;
  private final EnsembleCatalog catalog;
  private final RewardMapper mapper;
  private final Replies replies;

  /**
   * @param ensembles knows how ensembles are asked
   * @param scorer scores, by ensembles and composites
   */
  public RewardGrpcService(
      RewardFlow ensembles,
      RewardScorer scorer,
      EnsembleCatalog catalog,
      CompositeCatalog composites,
      RewardMapper mapper,
      Replies replies) {
    this.ensembles = ensembles;
    this.scorer = scorer;
    this.bestOfN = new BestOfNFlow(scorer);
    this.catalog = catalog;
    this.composites = composites;
    this.mapper = mapper;
    this.replies = replies;
  }

  @Override
  public void score(ScoreRequest request, StreamObserver<ScoreResponse> observer) {
    replies.unary(
        observer,
        () ->
            RewardMapper.response(
                scorer.score(mapper.command(request), ContextPatience.ofCurrentCall())));
  }

  @Override
  public StreamObserver<ScoreStreamRequest> scoreStream(
      StreamObserver<ScoreStreamResponse> observer) {
    ScoreStreamSession session =
        new ScoreStreamSession(
            scorer, mapper, (ServerCallStreamObserver<ScoreStreamResponse>) observer);
    replies.stream(observer, session::run);
    return session;
  }

  @Override
  public void compare(CompareRequest request, StreamObserver<CompareResponse> observer) {
    replies.unary(
        observer,
        () ->
            RewardMapper.response(
                scorer.compare(mapper.command(request), ContextPatience.ofCurrentCall())));
  }

  @Override
  public void estimateBestOfN(
      EstimateBestOfNRequest request, StreamObserver<EstimateBestOfNResponse> observer) {
    replies.unary(
        observer,
        () ->
            BestOfNMapper.response(
                bestOfN.estimate(
                    BestOfNMapper.command(request, mapper), ContextPatience.ofCurrentCall()),
                request.getSeed()));
  }

  @Override
  public void getGoldenScores(
      GetGoldenScoresRequest request, StreamObserver<GetGoldenScoresResponse> observer) {
    replies.unary(
        observer,
        () -> {
          Caller caller = mapper.caller(request.getMetadata());
          Ensemble ensemble =
              catalog.resolve(
                  MeshMessages.selector(request.getRewardModel()),
                  CallTenants.behalf(caller, request.getMetadata()));
          return RewardMapper.golden(ensemble, catalog.golden(ensemble));
        });
  }

  @Override
  public void listRewardModels(
      ListRewardModelsRequest request, StreamObserver<ListRewardModelsResponse> observer) {
    replies.unary(
        observer,
        () -> {
          Caller caller = mapper.caller(request.getMetadata());
          ListRewardModelsResponse.Builder response = ListRewardModelsResponse.newBuilder();
          catalog
              .list(CallTenants.behalf(caller, request.getMetadata()))
              .forEach(
                  ensemble ->
                      response.addEnsembles(
                          RewardMapper.ensemble(
                              ensemble,
                              ensembles.quorum(ensemble, AggregationMethod.MEAN),
                              ensembles.quorum(ensemble, AggregationMethod.WORST_CASE),
                              ensembles.promptTokens(ensemble))));
          ensembles
              .allowedAggregations()
              .forEach(method -> response.addAllowedAggregations(RewardMapper.method(method)));
          composites
              .list()
              .forEach(each -> response.addComposites(ComponentMapper.composite(each)));
          return response
              .setDefaultAggregation(
                  RewardMapper.aggregation(ensembles.aggregator(AggregationChoice.unspecified())))
              .build();
        });
  }
}
