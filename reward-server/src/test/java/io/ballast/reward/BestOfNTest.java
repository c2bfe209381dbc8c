package io.ballast.reward;

import static io.ballast.reward.testing.TestReward.text;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.ballast.mesh.v1.FailureReason;
import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.reward.testing.TestReward;
import io.ballast.reward.v1.Aggregation;
import io.ballast.reward.v1.AggregationMethod;
import io.ballast.reward.v1.BestOfNPoint;
import io.ballast.reward.v1.CandidatePool;
import io.ballast.reward.v1.EstimateBestOfNRequest;
import io.ballast.reward.v1.EstimateBestOfNResponse;
import io.ballast.reward.v1.FitIntervalMethod;
import io.ballast.reward.v1.GoldFit;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/**
 * What best of n is worth, over the wire. A completion of n characters has the reward n/2 by WCO
 * and n − 1/2 by the mean.
 */
class BestOfNTest {
  private final TestReward reward = TestReward.start(Map.of());

  @AfterEach
  void stop() {
    reward.close();
  }

  @Test
  void thePapersPool() {
    EstimateBestOfNResponse response =
        estimate(request(pool(List.of(.1, .5, .3, .9), List.of(1., 2., -1., 0.))));

    assertThat(response.getPointsList()).extracting(BestOfNPoint::getN).containsExactly(1, 2, 4);
    assertThat(response.getPoints(0).getGoldReward()).isCloseTo(.5, within(1e-12));
    assertThat(response.getPoints(1).getGoldReward()).isCloseTo(.5, within(1e-12));
    assertThat(response.getPoints(1).getKlNats()).isCloseTo(.193147, within(1e-6));
    assertThat(response.getPoints(2).getGoldReward()).isEqualTo(0);
    assertThat(response.getPoints(2).getProxyReward()).isEqualTo(.9);
    assertThat(response.getPoints(2).hasGoldLow()).isFalse();
    assertThat(response.getPromptsCount()).isEqualTo(1);
    assertThat(response.hasFit()).isFalse();
    assertThat(response.getNoFitReason())
        .isEqualTo("2 of the n are over 1 and to be fitted (expected: at least 3)");
    assertThat(response.getConfidence()).isEqualTo(.95);
    assertThat(response.getResamplesCount()).isEqualTo(1_000);
    assertThat(response.hasModelVersion()).isFalse();
  }

  @Test
  void manyPromptsHaveIntervalsAndAFitThatASeedRepeats() {
    EstimateBestOfNRequest.Builder request =
        EstimateBestOfNRequest.newBuilder().setSeed(9).setConfidence(.9).setResamplesCount(400);
    SplittableRandom random = new SplittableRandom(2);
    for (int p = 0; p < 30; p++) {
      double[] proxy = random.doubles(32, 0, 1).toArray();
      double[] gold = proxy.clone();
      for (int i = 0; i < gold.length; i++) {
        gold[i] = proxy[i] > .95 ? -2 : proxy[i];
      }
      request.addPools(pool(boxed(proxy), boxed(gold)));
    }
    EstimateBestOfNResponse response = estimate(request.build());

    assertThat(response.getPointsCount()).isEqualTo(6);
    assertThat(response.getPointsList())
        .allSatisfy(
            point ->
                assertThat(point.getGoldReward())
                    .isBetween(point.getGoldLow(), point.getGoldHigh()));
    GoldFit fit = response.getFit();
    assertThat(fit.getIntervalMethod()).isEqualTo(FitIntervalMethod.FIT_INTERVAL_METHOD_BOOTSTRAP);
    assertThat(fit.getPointsCount()).isEqualTo(5);
    assertThat(fit.getExcludedCount()).isEqualTo(1);
    assertThat(fit.getAlpha()).isBetween(fit.getAlphaLow(), fit.getAlphaHigh());
    // the highest rewards are wrong: gold turns, and surely
    assertThat(fit.getBetaLow()).isPositive();
    assertThat(fit.getPeak().getDistance())
        .isCloseTo(fit.getAlpha() / (2 * fit.getBeta()), within(1e-9));
    assertThat(fit.getZeroDistance()).isCloseTo(fit.getAlpha() / fit.getBeta(), within(1e-9));
    assertThat(estimate(request.build())).isEqualTo(response);
    EstimateBestOfNResponse near = estimate(request.setFitMaxN(8).build());
    assertThat(near.getFit().getPointsCount()).isEqualTo(3);
    assertThat(near.getPointsList()).isEqualTo(response.getPointsList());
  }

  @Test
  void completionsAreScoredAsScoreDoes() {
    // rewards .5, 1, 1.5, 2 by WCO; gold falls with length
    EstimateBestOfNResponse response =
        estimate(request(toScore(List.of(4., 3., 2., 1.), "1", "12", "123", "1234")));

    assertThat(response.getPoints(0).getProxyReward()).isCloseTo(1.25, within(1e-12));
    assertThat(response.getPoints(2).getProxyReward()).isEqualTo(2);
    assertThat(response.getPoints(2).getGoldReward()).isEqualTo(1);
    assertThat(response.getAggregation().getMethod())
        .isEqualTo(AggregationMethod.AGGREGATION_METHOD_WCO);
    assertThat(response.getModelVersion().getModel()).isEqualTo("java-reward");
    EstimateBestOfNResponse mean =
        estimate(
            request(toScore(List.of(4., 3., 2., 1.), "1", "12", "123", "1234")).toBuilder()
                .setAggregation(
                    Aggregation.newBuilder().setMethod(AggregationMethod.AGGREGATION_METHOD_MEAN))
                .build());
    assertThat(mean.getPoints(2).getProxyReward()).isEqualTo(3.5);
  }

  @Test
  void aCompletionWithoutARewardIsLeftOutAndNamed() {
    EstimateBestOfNRequest request = request(toScore(List.of(10., 20., 30.), "1", "N", "123"));
    EstimateBestOfNResponse response = estimate(request);

    assertThat(response.getPointsList()).extracting(BestOfNPoint::getN).containsExactly(1, 2);
    assertThat(response.getPoints(0).getGoldReward()).isEqualTo(20);
    assertThat(response.getPoints(1).getGoldReward()).isEqualTo(30);
    assertThat(response.getLeftOutList()).hasSize(1);
    assertThat(response.getLeftOut(0).getPoolIndex()).isEqualTo(0);
    assertThat(response.getLeftOut(0).getCompletionIndex()).isEqualTo(1);
    assertThat(response.getLeftOut(0).getFailure().getReason())
        .isEqualTo(FailureReason.FAILURE_REASON_QUORUM_LOST);
    assertRefused(
        request.toBuilder().addNs(3).build(),
        Status.Code.FAILED_PRECONDITION,
        "pools[0]: 2 of 3 completions have a reward (expected: at least 3); the first without: 2"
            + " of 3 members answered");
    assertRefused(
        request(toScore(List.of(1.), "")),
        Status.Code.FAILED_PRECONDITION,
        "pools[0]: 0 of 1 completions have a reward (expected: at least 1); the first without:"
            + " pools[0].completions[0].completion: empty");
  }

  @Test
  void whatIsWrongIsNamedByIndex() {
    CandidatePool good = pool(List.of(1., 2.), List.of(1., 2.));
    malformed(request(), "pools: none (expected: at least one)");
    malformed(
        request().toBuilder().addAllPools(Collections.nCopies(100_001, good)).build(),
        "pools: 100,001 (expected: at most 100,000)");
    malformed(
        request(good, pool(List.of(1., 2.), List.of(1., Double.NaN))),
        "pools[1].gold_rewards[1]: NaN (expected: finite, −1e100 to 1e100)");
    malformed(
        request(good, pool(List.of(Double.NEGATIVE_INFINITY, 2.), List.of(1., 2.))),
        "pools[1].proxy_rewards[0]: -Infinity (expected: finite, −1e100 to 1e100)");
    malformed(
        request(pool(List.of(1., 2.), List.of(1.))),
        "pools[0]: 2 rewards or completions, 1 gold rewards (expected: as many, at least one)");
    malformed(
        request(CandidatePool.newBuilder().addGoldRewards(1).build()),
        "pools[0]: neither proxy_rewards nor completions (expected: one of them)");
    malformed(
        request(good.toBuilder().addCompletions(text("x")).build()),
        "pools[0]: both proxy_rewards and completions (expected: one of them)");
    malformed(
        request(good).toBuilder().addNs(1).addNs(3).build(),
        "pools[0]: 2 completions (expected: at least the greatest n, 3)");
    malformed(
        request(good).toBuilder().addNs(2).addNs(2).build(),
        "ns[1]: 2 (expected: ascending, at least 1)");
    malformed(
        request(good).toBuilder().addNs(0).build(), "ns[0]: 0 (expected: ascending, at least 1)");
    malformed(
        request(good).toBuilder().addAllNs(Collections.nCopies(65, 1)).build(),
        "ns: 65 of them (expected: at most 64)");
    malformed(
        request(good).toBuilder().setConfidence(1).build(),
        "confidence: 1.0 (expected: above 0, below 1)");
    malformed(
        request(good).toBuilder().setResamplesCount(99).build(),
        "resamples_count: 99 (expected: 100 to 10,000, or 0 for 1,000)");
    malformed(
        request(good).toBuilder().setFitMaxN(-1).build(),
        "fit_max_n: -1 (expected: ≥ 0; 0 means all)");
    malformed(
        request(good).toBuilder()
            .setMetadata(RequestMetadata.newBuilder().setTenant("a/b"))
            .build(),
        "metadata.tenant: a/b (allowed: at most 64 characters of [A-Za-z0-9._-], or empty)");
    malformed(
        EstimateBestOfNRequest.newBuilder()
            .addAllPools(Collections.nCopies(30_000, good))
            .addNs(1)
            .addNs(2)
            .setResamplesCount(10_000)
            .build(),
        "resamples_count: 10,000 samples of 30,000 prompts at 2 n (expected: a product of at most"
            + " 500,000,000)");
    malformed(
        request(
            toScore(
                Collections.nCopies(4_097, 1.),
                Collections.nCopies(4_097, "x").toArray(String[]::new))),
        "pools: 4,097 completions to score (expected: at most 4,096; Score takes more in turns,"
            + " then send proxy_rewards)");
  }

  private EstimateBestOfNResponse estimate(EstimateBestOfNRequest request) {
    return reward.stub().estimateBestOfN(request);
  }

  private static EstimateBestOfNRequest request(CandidatePool... pools) {
    return EstimateBestOfNRequest.newBuilder().addAllPools(List.of(pools)).build();
  }

  private static CandidatePool pool(List<Double> proxy, List<Double> gold) {
    return CandidatePool.newBuilder().addAllProxyRewards(proxy).addAllGoldRewards(gold).build();
  }

  private static List<Double> boxed(double[] values) {
    return Arrays.stream(values).boxed().toList();
  }

  private static CandidatePool toScore(List<Double> gold, String... completions) {
    CandidatePool.Builder pool =
        CandidatePool.newBuilder().setPrompt(text("p")).addAllGoldRewards(gold);
    for (String completion : completions) {
      pool.addCompletions(text(completion));
    }
    return pool.build();
  }

  private void malformed(EstimateBestOfNRequest request, String message) {
    assertThatThrownBy(() -> estimate(request))
        .isInstanceOfSatisfying(
            StatusRuntimeException.class,
            e -> {
              assertThat(e.getStatus().getCode()).isEqualTo(Status.Code.INVALID_ARGUMENT);
              assertThat(e.getStatus().getDescription()).isEqualTo(message);
            });
  }

  private void assertRefused(EstimateBestOfNRequest request, Status.Code code, String message) {
    assertThatThrownBy(() -> estimate(request))
        .isInstanceOfSatisfying(
            StatusRuntimeException.class, e -> assertThat(e.getStatus().getCode()).isEqualTo(code))
        .hasMessageContaining(message);
  }
}
