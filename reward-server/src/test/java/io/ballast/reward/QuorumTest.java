package io.ballast.reward;

import static io.ballast.reward.testing.TestReward.item;
import static io.ballast.reward.testing.TestReward.text;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.ballast.mesh.v1.FailureReason;
import io.ballast.reward.testing.TestReward;
import io.ballast.reward.v1.Aggregation;
import io.ballast.reward.v1.AggregationMethod;
import io.ballast.reward.v1.CompareRequest;
import io.ballast.reward.v1.CompareResponse;
import io.ballast.reward.v1.ListRewardModelsRequest;
import io.ballast.reward.v1.ListRewardModelsResponse;
import io.ballast.reward.v1.ScoreRequest;
import io.ballast.reward.v1.ScoreResponse;
import io.ballast.reward.v1.ScoreResult;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * How many members must answer, and which aggregations may be asked for. A completion of n
 * characters has the normalised scores n/2, n − 1/2 and 3n/2 − 1; with an N in it the second member
 * has none, with an L the third.
 */
class QuorumTest {
  private TestReward reward = TestReward.start(Map.of("quorum", "2"));

  @AfterEach
  void stop() {
    reward.close();
  }

  @Test
  void aSmallerQuorumAggregatesThoseThatAnsweredAndSaysWhich() {
    ScoreResponse one = score(AggregationMethod.AGGREGATION_METHOD_MEAN, "NN");
    ScoreResponse both = score(AggregationMethod.AGGREGATION_METHOD_MEAN, "NL");

    // n = 2: members 0 and 2 say 1 and 2
    ScoreResult result = one.getResults(0);
    assertThat(result.getValue()).isEqualTo(1.5);
    assertThat(result.getSpread()).isEqualTo(.5);
    assertThat(result.getMemberMaskList()).containsExactly(true, false, true);
    assertThat(result.getMembers(1).getFailure().getMessage()).contains("score NaN");
    assertThat(one.getQuorum()).isEqualTo(2);
    assertThat(both.getResults(0).getFailure().getReason())
        .isEqualTo(FailureReason.FAILURE_REASON_QUORUM_LOST);
    assertThat(both.getResults(0).getMemberMaskList()).containsExactly(true, false, false);
    assertThat(both.getSampleMaskList()).containsExactly(false);
  }

  @ParameterizedTest
  @EnumSource(names = {"AGGREGATION_METHOD_WCO", "AGGREGATION_METHOD_LOWER_QUANTILE"})
  void theWorstOfTheRestIsNotConservative(AggregationMethod method) {
    ScoreResponse response = score(method, "N");

    String name = method == AggregationMethod.AGGREGATION_METHOD_WCO ? "WCO" : "LOWER_QUANTILE";
    assertThat(response.getQuorum()).isEqualTo(3);
    assertThat(response.getResults(0).getFailure().getMessage())
        .startsWith(
            "2 of 3 members answered, quorum 3 ("
                + name
                + " needs all: the worst may be missing);"
                + " member 1: java-reward/1: score NaN");
    assertThat(response.getResults(0).getMemberMaskList()).containsExactly(true, false, true);
    assertThat(score(method, "1").getResults(0).hasValue()).isTrue();
  }

  @ParameterizedTest
  @EnumSource(
      names = {
        "AGGREGATION_METHOD_MEAN",
        "AGGREGATION_METHOD_MEDIAN",
        "AGGREGATION_METHOD_UWO",
        "AGGREGATION_METHOD_UWO_SAMPLE"
      })
  void theOthersKeepTheQuorum(AggregationMethod method) {
    assertThat(score(method, "N").getQuorum()).isEqualTo(2);
    assertThat(score(method, "N").getResults(0).hasValue()).isTrue();
  }

  @Test
  void anOperatorMayTakeTheWorstOfTheRest() {
    restart(Map.of("quorum", "2", "worst-case-needs-all", "false"));
    assertThat(score(AggregationMethod.AGGREGATION_METHOD_WCO, "N").getResults(0).getValue())
        .isEqualTo(.5);
    assertThat(reward.stub().listRewardModels(everything()).getEnsembles(0).getWorstCaseQuorum())
        .isEqualTo(2);
  }

  @Test
  void anEnsembleMayHaveARuleOfItsOwn() {
    restart(
        Map.of(
            "quorum", "3",
            "ensembles.java-reward.quorum", "1",
            "ensembles.another.quorum", "3"));
    assertThat(score(AggregationMethod.AGGREGATION_METHOD_MEAN, "NL").getResults(0).getValue())
        .isEqualTo(1.0);
    assertThat(score(AggregationMethod.AGGREGATION_METHOD_WCO, "N").getQuorum()).isEqualTo(3);

    restart(
        Map.of(
            "quorum", "2",
            "worst-case-needs-all", "false",
            "ensembles.\"java-reward\".worst-case-needs-all", "true"));
    assertThat(score(AggregationMethod.AGGREGATION_METHOD_WCO, "N").getQuorum()).isEqualTo(3);

    // 0 and a number over K both mean all
    restart(Map.of("quorum", "2", "ensembles.java-reward.quorum", "0"));
    assertThat(score(AggregationMethod.AGGREGATION_METHOD_MEAN, "N").getQuorum()).isEqualTo(3);
    restart(Map.of("quorum", "7"));
    assertThat(score(AggregationMethod.AGGREGATION_METHOD_MEAN, "N").getQuorum()).isEqualTo(3);
  }

  @Test
  void theListTellsQuorumsAndAggregations() {
    restart(Map.of("quorum", "2", "allowed-aggregations", "UNCERTAINTY_WEIGHTED,WORST_CASE"));
    ListRewardModelsResponse list = reward.stub().listRewardModels(everything());

    assertThat(list.getEnsembles(0).getQuorum()).isEqualTo(2);
    assertThat(list.getEnsembles(0).getWorstCaseQuorum()).isEqualTo(3);
    assertThat(list.getAllowedAggregationsList())
        .containsExactly(
            AggregationMethod.AGGREGATION_METHOD_WCO, AggregationMethod.AGGREGATION_METHOD_UWO);
    assertThat(list.getDefaultAggregation())
        .isEqualTo(
            Aggregation.newBuilder().setMethod(AggregationMethod.AGGREGATION_METHOD_WCO).build());
  }

  @Test
  void anAggregationThatIsNotAllowedIsRefusedWithThoseThatAre() {
    restart(
        Map.of(
            "aggregation", "UNCERTAINTY_WEIGHTED_SAMPLE",
            "allowed-aggregations", "UNCERTAINTY_WEIGHTED_SAMPLE,WORST_CASE"));
    String message =
        "aggregation.method: MEAN is not allowed on this server (allowed: WCO, UWO_SAMPLE)";
    Aggregation mean = aggregation(AggregationMethod.AGGREGATION_METHOD_MEAN);

    assertRefused(message, () -> score(AggregationMethod.AGGREGATION_METHOD_MEAN, "1"));
    assertRefused(
        message, () -> reward.stub().compare(compare("1", "2").setAggregation(mean).build()));
    assertThat(score(AggregationMethod.AGGREGATION_METHOD_UNSPECIFIED, "1").getAggregation())
        .isEqualTo(
            Aggregation.newBuilder()
                .setMethod(AggregationMethod.AGGREGATION_METHOD_UWO_SAMPLE)
                .setUwoLambda(.5)
                .build());
    assertThat(score(AggregationMethod.AGGREGATION_METHOD_WCO, "1").getResults(0).hasValue())
        .isTrue();
  }

  @Test
  void rewardsOfOtherMembersAreNotCompared() {
    Aggregation mean = aggregation(AggregationMethod.AGGREGATION_METHOD_MEAN);
    CompareResponse response =
        reward.stub().compare(compare("12", "N").setAggregation(mean).build());

    assertThat(response.getResults(1).getValue()).isEqualTo(.5);
    assertThat(response.hasProbabilityAPreferredByRewards()).isFalse();
    // the members that judged both are compared all the same: raw differences 1 and 3
    assertThat(response.getProbabilityAPreferred())
        .isCloseTo((sigmoid(1) + sigmoid(3)) / 2, within(1e-12));
    // the same member is missing on both sides: 1, 2 and .5, .5
    CompareResponse same = reward.stub().compare(compare("NN", "N").setAggregation(mean).build());
    assertThat(same.getProbabilityAPreferredByRewards())
        .isCloseTo(sigmoid(2 * (1.5 - .5)), within(1e-12));
  }

  private void restart(Map<String, String> properties) {
    reward.close();
    reward = TestReward.start(properties);
  }

  private ScoreResponse score(AggregationMethod method, String completion) {
    return reward
        .stub()
        .score(
            ScoreRequest.newBuilder()
                .setAggregation(aggregation(method))
                .addItems(item("", "p", completion))
                .build());
  }

  private static Aggregation aggregation(AggregationMethod method) {
    return Aggregation.newBuilder().setMethod(method).build();
  }

  private static CompareRequest.Builder compare(String a, String b) {
    return CompareRequest.newBuilder()
        .setPrompt(text("p"))
        .setCompletionA(text(a))
        .setCompletionB(text(b));
  }

  private static ListRewardModelsRequest everything() {
    return ListRewardModelsRequest.getDefaultInstance();
  }

  private static void assertRefused(String message, Runnable call) {
    assertThatThrownBy(call::run)
        .isInstanceOfSatisfying(
            StatusRuntimeException.class,
            e -> {
              assertThat(e.getStatus().getCode()).isEqualTo(Status.Code.INVALID_ARGUMENT);
              assertThat(e.getStatus().getDescription()).isEqualTo(message);
            });
  }

  private static double sigmoid(double x) {
    return 1 / (1 + Math.exp(-x));
  }
}
