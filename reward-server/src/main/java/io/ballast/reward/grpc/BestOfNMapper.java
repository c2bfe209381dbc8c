package io.ballast.reward.grpc;

import io.ballast.kit.call.Caller;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.kit.grpc.MeshMessages;
import io.ballast.reward.core.BestOfNAnswer;
import io.ballast.reward.core.BestOfNAnswer.LeftOut;
import io.ballast.reward.core.BestOfNCommand;
import io.ballast.reward.core.BestOfNCommand.Pool;
import io.ballast.reward.core.BestOfNCommand.Proxies;
import io.ballast.reward.core.BestOfNCommand.Values;
import io.ballast.reward.core.BestOfNFlow;
import io.ballast.reward.core.ScoredBy;
import io.ballast.reward.v1.BestOfNPoint;
import io.ballast.reward.v1.CandidatePool;
import io.ballast.reward.v1.EstimateBestOfNRequest;
import io.ballast.reward.v1.EstimateBestOfNResponse;
import io.ballast.reward.v1.FitIntervalMethod;
import io.ballast.reward.v1.GoldFit;
import io.ballast.reward.v1.GoldForm;
import io.ballast.reward.v1.GoldPeak;
import io.ballast.reward.v1.LeftOutCompletion;
import io.ballast.rl.selection.BestOfNCurve;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;

/** Translates what is asked and answered about best of n. */
final class BestOfNMapper {
  private BestOfNMapper() {}

  /**
   * Translates a request.
   *
   * @throws MeshException MALFORMED_REQUEST if it has more pools than there may be: the longest
   *     message has room for millions, and each becomes several objects here
   */
  static BestOfNCommand command(EstimateBestOfNRequest request, RewardMapper mapper) {
    if (request.getPoolsCount() > BestOfNFlow.MAX_POOLS) {
      String flaw =
          "%,d (expected: at most %,d)".formatted(request.getPoolsCount(), BestOfNFlow.MAX_POOLS);
      throw new MeshException(
          Fault.MALFORMED_REQUEST, "pools: " + flaw, Map.of("field", "pools", "flaw", flaw));
    }
    List<Pool> pools = new ArrayList<>(request.getPoolsCount());
    for (int p = 0; p < request.getPoolsCount(); p++) {
      CandidatePool pool = request.getPools(p);
      pools.add(new Pool("pools[" + p + "]", proxies(pool), values(pool.getGoldRewardsList())));
    }
    Caller caller = mapper.caller(request.getMetadata());
    return new BestOfNCommand(
        CallTenants.behalf(caller, request.getMetadata()),
        caller.lane(),
        MeshMessages.selector(request.getRewardModel()),
        RewardMapper.choice(request.getAggregation()),
        MeshMessages.truncation(request.getTruncation()),
        pools,
        request.getNsList(),
        request.getFitMaxN(),
        request.hasConfidence()
            ? OptionalDouble.of(request.getConfidence())
            : OptionalDouble.empty(),
        request.getResamplesCount(),
        request.getSeed());
  }

  private static Proxies proxies(CandidatePool pool) {
    boolean given = pool.getProxyRewardsCount() > 0;
    boolean toScore = pool.getCompletionsCount() > 0 || pool.hasPrompt();
    if (given == toScore) {
      return new Proxies.Unclear(
          given
              ? "both proxy_rewards and completions (expected: one of them)"
              : "neither proxy_rewards nor completions (expected: one of them)");
    }
    return given
        ? new Proxies.Given(values(pool.getProxyRewardsList()))
        : new Proxies.ToScore(
            RewardMapper.content(pool.getPrompt()),
            pool.getCompletionsList().stream().map(RewardMapper::content).toList());
  }

  private static Values values(List<Double> numbers) {
    return new Values() {
      @Override
      public int size() {
        return numbers.size();
      }

      @Override
      public double get(int index) {
        return numbers.get(index);
      }
    };
  }

  static EstimateBestOfNResponse response(BestOfNAnswer answer, long seed) {
    BestOfNCurve curve = answer.curve();
    EstimateBestOfNResponse.Builder response =
        EstimateBestOfNResponse.newBuilder()
            .setPromptsCount(curve.prompts())
            .setNoFitReason(curve.whyNoFit())
            .setConfidence(answer.plan().confidence())
            .setResamplesCount(answer.plan().resamples())
            .setSeed(seed)
            .setCutPromptsCount(answer.cutPrompts());
    for (BestOfNCurve.Point point : curve.points()) {
      BestOfNPoint.Builder built =
          response
              .addPointsBuilder()
              .setN(point.n())
              .setKlNats(point.kl())
              .setProxyReward(point.proxy())
              .setGoldReward(point.gold());
      point
          .goldInterval()
          .ifPresent(interval -> built.setGoldLow(interval.low()).setGoldHigh(interval.high()));
    }
    curve.fit().ifPresent(fit -> response.setFit(fit(fit)));
    for (LeftOut leftOut : answer.leftOut()) {
      response.addLeftOut(
          LeftOutCompletion.newBuilder()
              .setPoolIndex(leftOut.pool())
              .setCompletionIndex(leftOut.completion())
              .setFailure(MeshMessages.failure(leftOut.fault())));
    }
    answer
        .scored()
        .ifPresent(
            scored -> {
              response.setModelVersion(MeshMessages.version(scored.by().id()));
              if (scored.by() instanceof ScoredBy.Members members) {
                response.setAggregation(RewardMapper.aggregation(members.aggregation()));
              }
            });
    return response.build();
  }

  private static GoldFit fit(io.ballast.rl.selection.GoldFit fit) {
    GoldFit.Builder built =
        GoldFit.newBuilder()
            .setForm(
                switch (fit.form()) {
                  case BEST_OF_N -> GoldForm.GOLD_FORM_BEST_OF_N;
                  case REINFORCEMENT_LEARNING -> GoldForm.GOLD_FORM_REINFORCEMENT_LEARNING;
                })
            .setAlpha(fit.alpha().estimate())
            .setAlphaLow(fit.alpha().low())
            .setAlphaHigh(fit.alpha().high())
            .setBeta(fit.beta().estimate())
            .setBetaLow(fit.beta().low())
            .setBetaHigh(fit.beta().high())
            .setIntervalMethod(
                switch (fit.interval()) {
                  case STUDENT_T -> FitIntervalMethod.FIT_INTERVAL_METHOD_STUDENT_T;
                  case BOOTSTRAP -> FitIntervalMethod.FIT_INTERVAL_METHOD_BOOTSTRAP;
                })
            .setPointsCount(fit.points())
            .setExcludedCount(fit.excluded())
            .setFarthestDistance(fit.farthest());
    fit.rSquared().ifPresent(built::setRSquared);
    fit.zero().ifPresent(built::setZeroDistance);
    fit.peak()
        .ifPresent(
            peak ->
                built.setPeak(
                    GoldPeak.newBuilder()
                        .setDistance(peak.distance())
                        .setKlNats(peak.kl())
                        .setGoldGain(peak.gold())
                        .setObserved(peak.observed())));
    return built.build();
  }
}
