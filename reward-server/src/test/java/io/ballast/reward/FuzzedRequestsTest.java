package io.ballast.reward;

import static io.ballast.reward.testing.TestReward.item;
import static io.ballast.reward.testing.TestReward.text;

import io.ballast.mesh.v1.ModelSelector;
import io.ballast.reward.testing.TestReward;
import io.ballast.reward.v1.Aggregation;
import io.ballast.reward.v1.CompareRequest;
import io.ballast.reward.v1.RewardServiceGrpc;
import io.ballast.reward.v1.ScoreRequest;
import io.ballast.reward.v1.ScoreStreamRequest;
import io.ballast.testing.fuzz.FuzzedServer;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Whatever bytes come as a request, the answer is typed, and the next request is answered. */
@Timeout(value = 2, unit = TimeUnit.HOURS) // of the longer lane, with its million inputs
class FuzzedRequestsTest {
  private static final long SEED = 8;

  private static final TestReward REWARD = TestReward.start(Map.of());
  static final FuzzedServer SERVER = serve();

  private static FuzzedServer serve() {
    ModelSelector model =
        ModelSelector.newBuilder().setModel("java-reward").setVersion("1").build();
    return FuzzedServer.start(
            REWARD.services(),
            List.of(REWARD.models()),
            Map.of(
                "model", List.of("", "java-reward"),
                "model_name", List.of("java-reward"),
                "version", List.of("", "1"),
                "model_version", List.of("", "1"),
                "alias", List.of("", "serving"),
                "tenant", List.of("", "default"),
                "item_id", List.of(""),
                "name", List.of("prompt", "completion", "reward"),
                "datatype", List.of("BYTES", "BYTES", "INT64", "FP32")),
            List.of())
        .good(
            RewardServiceGrpc.getScoreMethod(),
            ScoreRequest.newBuilder()
                .setRewardModel(model)
                .addItems(item("", "p", "a"))
                .addItems(item("x", "p", "bb"))
                .setAggregation(Aggregation.newBuilder().setUwoLambda(0.5))
                .build())
        .good(
            RewardServiceGrpc.getScoreStreamMethod(),
            ScoreStreamRequest.newBuilder().setItem(item("", "p", "a")).build())
        .good(
            RewardServiceGrpc.getCompareMethod(),
            CompareRequest.newBuilder()
                .setPrompt(text("p"))
                .setCompletionA(text("a"))
                .setCompletionB(text("bb"))
                .build());
  }

  @AfterAll
  static void stop() {
    SERVER.close();
    REWARD.close();
  }

  @Test
  void messagesOfEveryKindOfFlaw() {
    SERVER.assertTyped(SEED);
  }
}
