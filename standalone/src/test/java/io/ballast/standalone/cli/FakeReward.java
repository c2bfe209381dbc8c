package io.ballast.standalone.cli;

import io.ballast.mesh.v1.FailureReason;
import io.ballast.mesh.v1.ItemFailure;
import io.ballast.reward.v1.AggregationMethod;
import io.ballast.reward.v1.BestOfNPoint;
import io.ballast.reward.v1.ComponentScore;
import io.ballast.reward.v1.EstimateBestOfNRequest;
import io.ballast.reward.v1.EstimateBestOfNResponse;
import io.ballast.reward.v1.FitIntervalMethod;
import io.ballast.reward.v1.GoldFit;
import io.ballast.reward.v1.GoldPeak;
import io.ballast.reward.v1.MemberScore;
import io.ballast.reward.v1.RewardServiceGrpc;
import io.ballast.reward.v1.ScoreRequest;
import io.ballast.reward.v1.ScoreResponse;
import io.ballast.reward.v1.ScoreResult;
import io.grpc.stub.StreamObserver;

/** Rewards that are what a completion says, good or empty, and what best of n is worth. */
final class FakeReward extends RewardServiceGrpc.RewardServiceImplBase {
  private final FakeMesh mesh;

  FakeReward(FakeMesh mesh) {
    this.mesh = mesh;
  }

  @Override
  public void score(ScoreRequest request, StreamObserver<ScoreResponse> observer) {
    mesh.answer(request, observer, FakeReward::scores);
  }

  @Override
  public void estimateBestOfN(
      EstimateBestOfNRequest request, StreamObserver<EstimateBestOfNResponse> observer) {
    mesh.answer(request, observer, FakeReward::bestOfN);
  }

  /** Gold is d·(.6 − .1·d) from −.5 on, where there is more than one prompt with an interval. */
  private static EstimateBestOfNResponse bestOfN(EstimateBestOfNRequest request) {
    EstimateBestOfNResponse.Builder response =
        EstimateBestOfNResponse.newBuilder()
            .setPromptsCount(request.getPoolsCount())
            .setConfidence(request.getConfidence())
            .setResamplesCount(request.getResamplesCount())
            .setSeed(request.getSeed());
    for (int n : new int[] {1, 2, 4, 8}) {
      double kl = Math.log(n) - (n - 1.0) / n;
      double d = Math.sqrt(kl);
      double gold = -.5 + d * (.6 - .1 * d);
      BestOfNPoint.Builder point =
          response
              .addPointsBuilder()
              .setN(n)
              .setKlNats(kl)
              .setProxyReward(2 * d)
              .setGoldReward(gold);
      if (request.getPoolsCount() > 1) {
        point.setGoldLow(gold - .25).setGoldHigh(gold + .25);
      }
    }
    if (request.getPoolsCount() > 1) {
      response.setFit(
          GoldFit.newBuilder()
              .setAlpha(.6)
              .setAlphaLow(.5)
              .setAlphaHigh(.7)
              .setBeta(.1)
              .setBetaLow(.05)
              .setBetaHigh(.15)
              .setIntervalMethod(FitIntervalMethod.FIT_INTERVAL_METHOD_BOOTSTRAP)
              .setRSquared(.99)
              .setPointsCount(3)
              .setFarthestDistance(1.1)
              .setPeak(GoldPeak.newBuilder().setDistance(3).setKlNats(9).setGoldGain(.9)));
    } else {
      response.setNoFitReason("too few");
    }
    return response.build();
  }

  private static ScoreResponse composite(ScoreRequest request) {
    ScoreResponse.Builder response =
        ScoreResponse.newBuilder().setModelVersion(FakeMesh.model("java-mix"));
    request
        .getItemsList()
        .forEach(
            item ->
                response
                    .addSampleMask(true)
                    .addResults(
                        ScoreResult.newBuilder()
                            .setValue(1.5)
                            .addComponents(
                                ComponentScore.newBuilder()
                                    .setName("taste")
                                    .setValue(-0.5)
                                    .setWeight(1)
                                    .setDuration(
                                        com.google.protobuf.Duration.newBuilder()
                                            .setNanos(1_500_000))
                                    .addMembers(
                                        MemberScore.newBuilder()
                                            .setRawScore(3)
                                            .setNormalisedScore(-0.5)))
                            .addComponents(
                                ComponentScore.newBuilder()
                                    .setName("answer")
                                    .setValue(1)
                                    .setWeight(2)
                                    .setDetail("equal"))));
    return response.build();
  }

  private static ScoreResponse scores(ScoreRequest request) {
    if (request.getRewardModel().getModel().equals("java-mix")) {
      return composite(request);
    }
    ScoreResponse.Builder response =
        ScoreResponse.newBuilder().setModelVersion(FakeMesh.model("java-reward"));
    response.getAggregationBuilder().setMethod(AggregationMethod.AGGREGATION_METHOD_WCO);
    request
        .getItemsList()
        .forEach(
            item -> {
              boolean good = !item.getCompletion().getText().isEmpty();
              ScoreResult.Builder result = ScoreResult.newBuilder();
              if (good) {
                result
                    .setValue(-1.25)
                    .setSpread(0.5)
                    .addMembers(MemberScore.newBuilder().setRawScore(3).setNormalisedScore(-1.25))
                    .addMembers(MemberScore.newBuilder().setRawScore(9).setNormalisedScore(0.75));
              } else {
                result.setFailure(
                    ItemFailure.newBuilder()
                        .setReason(FailureReason.FAILURE_REASON_INVALID_INPUT)
                        .setMessage("items[1].completion: empty"));
              }
              response.addResults(result).addSampleMask(good);
            });
    return response.build();
  }
}
