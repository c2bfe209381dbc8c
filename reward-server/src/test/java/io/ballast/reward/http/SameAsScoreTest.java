package io.ballast.reward.http;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.ballast.reward.testing.TestReward;
import io.ballast.reward.v1.ScoreItem;
import io.ballast.reward.v1.ScoreRequest;
import io.ballast.reward.v1.ScoreResult;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The rewards of the model that comes with the mesh are those of Score, to the last digit. */
@Timeout(120)
class SameAsScoreTest {
  private static final List<String> PROMPTS = List.of("int size = list.", "return ", "for (");
  private static final List<String> COMPLETIONS =
      List.of("size();", "list.size() - 1;", "int i = 0; i < n; i++) {");

  @TempDir private Path data = Path.of(".");

  @Test
  void rewardsSpreadsAndMembersAreThoseOfScore() throws Exception {
    try (ServedModels served = new ServedModels(data, Map.of())) {
      ObjectNode body = TestRoutes.JSON.createObjectNode();
      for (int i = 0; i < PROMPTS.size(); i++) {
        body.withArray("query").add(PROMPTS.get(i) + COMPLETIONS.get(i));
        body.withArray("prompts").add(PROMPTS.get(i));
      }
      HttpResponse<String> answer = served.routes().post("/get_reward", body.toString());
      List<ScoreResult> scored = score(served, PROMPTS, COMPLETIONS);

      assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
      JsonNode got = TestRoutes.JSON.readTree(answer.body());
      assertThat(numbers(got.get("rewards")))
          .isEqualTo(scored.stream().map(ScoreResult::getValue).toList());
      assertThat(got.get("scores")).isEqualTo(got.get("rewards"));
      assertThat(numbers(got.at("/extra_logs/spread")))
          .isEqualTo(scored.stream().map(ScoreResult::getSpread).toList());
      for (int k = 0; k < scored.getFirst().getMembersCount(); k++) {
        int member = k;
        assertThat(numbers(got.at("/extra_logs/member_" + k)))
            .isEqualTo(
                scored.stream().map(each -> each.getMembers(member).getNormalisedScore()).toList());
      }
    }
  }

  @Test
  void aTextAloneIsACompletionOfNoPrompt() throws Exception {
    List<String> texts = new ArrayList<>();
    for (int i = 0; i < PROMPTS.size(); i++) {
      texts.add(PROMPTS.get(i) + COMPLETIONS.get(i));
    }
    try (ServedModels served = new ServedModels(data, Map.of())) {
      ObjectNode classify = TestRoutes.JSON.createObjectNode().put("model", "java-reward/1");
      ObjectNode getReward = TestRoutes.JSON.createObjectNode();
      texts.forEach(classify.putArray("input")::add);
      texts.forEach(getReward.putArray("query")::add);
      HttpResponse<String> classes = served.routes().post("/classify", classify.toString());
      HttpResponse<String> rewards = served.routes().post("/get_reward", getReward.toString());
      List<Double> scored =
          score(served, List.of("", "", ""), texts).stream().map(ScoreResult::getValue).toList();

      assertThat(
              StreamSupport.stream(
                      TestRoutes.JSON.readTree(classes.body()).get("data").spliterator(), false)
                  .map(each -> each.get("probs").get(0).doubleValue())
                  .toList())
          .isEqualTo(scored);
      assertThat(numbers(TestRoutes.JSON.readTree(rewards.body()).get("rewards")))
          .isEqualTo(scored);
    }
  }

  @Test
  void anEnsembleBehindATritonThatIsAwaySaysWhenToComeBack() throws Exception {
    int nobody;
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      nobody = socket.getLocalPort();
    }
    Map<String, String> elsewhere = Map.of("ballast.reward.triton.targets", "127.0.0.1:" + nobody);
    try (ServedModels served = new ServedModels(data, elsewhere)) {
      for (HttpResponse<String> answer :
          List.of(
              served.routes().post("/get_reward", "{\"query\": [\"int a\"]}"),
              served.routes().post("/classify", "{\"input\": \"int a\"}"))) {
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(503);
        assertThat(answer.headers().firstValue("Retry-After").orElseThrow())
            .as("a second and up to half of one by chance")
            .isIn("1", "2");
        assertThat(TestRoutes.JSON.readTree(answer.body()).get("reason").textValue())
            .isEqualTo("DEPENDENCY_DOWN");
      }
    }
  }

  private static List<ScoreResult> score(
      ServedModels served, List<String> prompts, List<String> completions) {
    ScoreRequest.Builder request = ScoreRequest.newBuilder();
    for (int i = 0; i < prompts.size(); i++) {
      request.addItems(
          ScoreItem.newBuilder()
              .setPrompt(TestReward.text(prompts.get(i)))
              .setCompletion(TestReward.text(completions.get(i))));
    }
    return served.routes().stub().score(request.build()).getResultsList();
  }

  private static List<Double> numbers(JsonNode list) {
    return StreamSupport.stream(list.spliterator(), false).map(JsonNode::doubleValue).toList();
  }
}
