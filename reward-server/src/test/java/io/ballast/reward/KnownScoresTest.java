package io.ballast.reward;

import static io.ballast.reward.testing.TestReward.item;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Duration;
import io.ballast.mesh.v1.FailureReason;
import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.reward.testing.TestReward;
import io.ballast.reward.v1.Aggregation;
import io.ballast.reward.v1.AggregationMethod;
import io.ballast.reward.v1.CompareRequest;
import io.ballast.reward.v1.RewardServiceGrpc;
import io.ballast.reward.v1.ScoreItem;
import io.ballast.reward.v1.ScoreRequest;
import io.ballast.reward.v1.ScoreResponse;
import io.ballast.reward.v1.ScoreResult;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The same tokens are scored once, and the answer says when no model ran. */
class KnownScoresTest {
  private TestReward reward = TestReward.start(Map.of());

  @AfterEach
  void stop() {
    reward.close();
  }

  @Test
  void whatWasScoredIsAnsweredFromTheCacheWithTheSameNumbers() {
    ScoreResult first = score(item("x", "int a", "= 1;")).getResults(0);
    ScoreResponse second = score(item("y", "int a", "= 1;"), item("z", "int a", "= 2;"));

    assertThat(first.getFromCache()).isFalse();
    ScoreResult again = second.getResults(0);
    assertThat(again.getFromCache()).isTrue();
    assertThat(again.getValue()).isEqualTo(first.getValue());
    assertThat(again.getMembersList()).isEqualTo(first.getMembersList());
    assertThat(again.getTiming().getInferDuration()).isEqualTo(Duration.getDefaultInstance());
    assertThat(second.getResults(1).getFromCache()).isFalse();
    assertThat(reward.ensembles.batches).hasSize(2);
    assertThat(reward.ensembles.batches.get(1).getFirst().items()).hasSize(1);
    assertThat(counter("hits")).isEqualTo(1);
    assertThat(counter("misses")).isEqualTo(2);
    assertThat(reward.meters().get("ballast.reward.cache.bytes").gauge().value()).isPositive();
  }

  @Test
  void noTenantLearnsWhatAnotherScored() {
    ScoreItem guess = item("", "int a", "= 1;");
    assertThat(score("acme", guess).getFromCache()).isFalse();

    assertThat(score("shop", guess).getFromCache()).as("its first").isFalse();
    assertThat(score("acme", guess).getFromCache()).isTrue();
    assertThat(score("shop", guess).getFromCache()).isTrue();
    assertThat(reward.ensembles.batches).as("each tenant's own").hasSize(2);
  }

  @Test
  void aCompareKeepsTenantsApartToo() {
    ScoreItem guess = item("", "p", "1");
    assertThat(score("acme", guess).getFromCache()).isFalse();

    CompareRequest compare =
        CompareRequest.newBuilder()
            .setMetadata(of("shop"))
            .setPrompt(TestReward.text("p"))
            .setCompletionA(TestReward.text("1"))
            .setCompletionB(TestReward.text("22"))
            .build();
    assertThat(reward.stub().compare(compare).getResultsList())
        .allSatisfy(result -> assertThat(result.getFromCache()).isFalse());
    assertThat(
            reward
                .stub()
                .compare(compare.toBuilder().setMetadata(of("acme")).build())
                .getResultsList())
        .extracting(ScoreResult::getFromCache)
        .containsExactly(true, false);
  }

  @Test
  void theMembersScoresAreKnownAndNotHowTheyAreCombined() {
    score(item("", "int a", "= 1;"));
    ScoreResponse mean =
        reward
            .stub()
            .score(
                ScoreRequest.newBuilder()
                    .addItems(item("", "int a", "= 1;"))
                    .setAggregation(
                        Aggregation.newBuilder()
                            .setMethod(AggregationMethod.AGGREGATION_METHOD_MEAN))
                    .build());

    // n = 4: 2, 3.5, 5
    assertThat(mean.getResults(0).getFromCache()).isTrue();
    assertThat(mean.getResults(0).getValue()).isEqualTo(3.5);
  }

  @Test
  void anAnswerThatAMemberOrTheModelFailedIsNeverKept() {
    for (int time = 0; time < 2; time++) {
      ScoreResponse response =
          score(
              item("", "p", "N"),
              item("", "p", "E"),
              item("", "p", "X"),
              item("", "p", "T"),
              item("", "p", ""));
      assertThat(response.getResultsList())
          .allSatisfy(result -> assertThat(result.hasFailure()).isTrue())
          .allSatisfy(result -> assertThat(result.getFromCache()).isFalse());
    }

    assertThat(reward.ensembles.batches).hasSize(2);
    assertThat(reward.meters().get("ballast.reward.cache.bytes").gauge().value()).isZero();
  }

  @Test
  void anItemTwiceInARequestIsScoredOnce() {
    ScoreResponse response = score(item("a", "p", "12"), item("b", "p", "1"), item("c", "p", "12"));

    assertThat(response.getResultsList())
        .extracting(result -> result.getMembers(0).getRawScore())
        .containsExactly(2., 1., 2.);
    assertThat(reward.ensembles.batches.getFirst().getFirst().items()).hasSize(2);
    assertThat(counter("joins")).isEqualTo(1);
  }

  @Test
  void callersOfTheSameShareTheWorkAndOneWhoLeavesDoesNotHurtTheOther() throws Exception {
    reward.ensembles.hold();
    var stub = RewardServiceGrpc.newFutureStub(reward.channel());
    var held = stub.score(request(item("", "h", "1")));
    reward.ensembles.awaitHeld();
    var leader = stub.score(request(item("", "p", "333")));
    awaitWaiting(4);
    var follower = stub.score(request(item("", "p", "333")));
    while (counter("joins") < 1) {
      Thread.onSpinWait();
    }
    leader.cancel(true);
    reward.ensembles.release();

    assertThat(follower.get().getResults(0).getMembers(0).getRawScore()).isEqualTo(3);
    assertThat(held.get().getResults(0).hasValue()).isTrue();
    assertThat(reward.ensembles.batches).hasSize(2);
    assertThat(reward.ensembles.batches.get(1).getFirst().items()).hasSize(1);
  }

  @Test
  void whoWantsToProveTheScoresHasThemMadeAnew() {
    score(item("", "p", "1"));
    ScoreResponse anew =
        reward
            .stub()
            .score(
                request(item("a", "p", "1"), item("b", "p", "1")).toBuilder()
                    .setBypassCache(true)
                    .build());

    assertThat(anew.getResultsList())
        .allSatisfy(result -> assertThat(result.getFromCache()).isFalse());
    assertThat(reward.ensembles.batches).hasSize(2);
    assertThat(reward.ensembles.batches.get(1).getFirst().items()).hasSize(2);
  }

  @Test
  void withoutACacheNothingIsKept() {
    reward.close();
    reward = TestReward.start(Map.of("cache-bytes", "0"));
    score(item("", "p", "1"));

    assertThat(score(item("", "p", "1")).getResults(0).getFromCache()).isFalse();
    assertThat(reward.ensembles.batches).hasSize(2);
  }

  @Test
  void whatIsRefusedForItsTextIsNotAsked() {
    ScoreResult result = score(item("", "p", "")).getResults(0);

    assertThat(result.getFailure().getReason())
        .isEqualTo(FailureReason.FAILURE_REASON_INVALID_INPUT);
    assertThat(result.getFromCache()).isFalse();
    assertThat(reward.ensembles.batches).isEmpty();
  }

  private double counter(String name) {
    return reward.meters().get("ballast.reward.cache." + name).functionCounter().count();
  }

  private void awaitWaiting(int tokens) {
    while (reward.waitingTokens() != tokens) {
      Thread.onSpinWait();
    }
  }

  private ScoreResponse score(ScoreItem... items) {
    return reward.stub().score(request(items));
  }

  private ScoreResult score(String tenant, ScoreItem item) {
    return reward
        .stub()
        .score(request(item).toBuilder().setMetadata(of(tenant)).build())
        .getResults(0);
  }

  private static RequestMetadata of(String tenant) {
    return RequestMetadata.newBuilder().setTenant(tenant).build();
  }

  private static ScoreRequest request(ScoreItem... items) {
    return ScoreRequest.newBuilder().addAllItems(List.of(items)).build();
  }
}
