package io.ballast.reward;

import static io.ballast.reward.testing.TestReward.item;
import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.mesh.v1.ModelSelector;
import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.reward.testing.TestReward;
import io.ballast.reward.v1.Aggregation;
import io.ballast.reward.v1.RewardServiceGrpc;
import io.ballast.reward.v1.RewardServiceGrpc.RewardServiceBlockingStub;
import io.ballast.reward.v1.ScoreRequest;
import io.ballast.reward.v1.ScoreResult;
import io.ballast.testing.OverheardServer;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What is scored stands in no log, span, status or failure of an item, however a call ends. */
class RedactedTextsTest {
  private static final String MARKER = "hunter2-of-the-user";

  @Test
  void scoresThatFail() {
    try (TestReward reward = TestReward.start(Map.of());
        OverheardServer server = OverheardServer.start(reward.services())) {
      RewardServiceBlockingStub stub = RewardServiceGrpc.newBlockingStub(server.channel());
      for (String trouble : new String[] {"T", "X", "E", "N", "\uD83D", "x".repeat(70_000)}) {
        ScoreResult result = stub.score(request(trouble).build()).getResults(0);
        assertThat(result.hasValue()).as(trouble).isFalse();
        assertThat(result.getFailure().getMessage()).isNotEmpty().doesNotContain(MARKER);
      }
      server.fails(
          () ->
              stub.score(
                  request("").setMetadata(RequestMetadata.newBuilder().setTenant("a/b")).build()));
      server.fails(
          () ->
              stub.score(
                  request("").setRewardModel(ModelSelector.newBuilder().setModel("no")).build()));
      server.fails(
          () ->
              stub.score(
                  request("").setAggregation(Aggregation.newBuilder().setUwoLambda(-1)).build()));
      server.fails(
          () ->
              stub.score(
                  request("")
                      .addItems(item("a", MARKER, "b"))
                      .addItems(item("a", "p", MARKER))
                      .build()));

      server.assertNothingSaid(MARKER);
    }
  }

  private static ScoreRequest.Builder request(String trouble) {
    return ScoreRequest.newBuilder().addItems(item("", MARKER, MARKER + trouble));
  }
}
