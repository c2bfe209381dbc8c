package io.ballast.standalone.process;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.ballast.mesh.v1.TextOrTokens;
import io.ballast.reward.v1.RewardServiceGrpc;
import io.ballast.reward.v1.ScoreItem;
import io.ballast.reward.v1.ScoreRequest;
import io.grpc.ManagedChannel;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The built program answers trainers on its HTTP port, where it plays the reward-server. */
class RewardHttpIT {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String PROMPT = "int size = list.";
  private static final String COMPLETION = "size();";

  /** A prompt with its completion, as SplitMeshIT asks each of four processes too. */
  static final String QUERY =
      "{\"query\": [\"%s\"], \"prompts\": [\"%s\"]}".formatted(PROMPT + COMPLETION, PROMPT);

  private static final String INPUT =
      "{\"model\": \"java-reward/1\", \"input\": \"%s\"}".formatted(PROMPT + COMPLETION);

  @TempDir private Path data = Path.of(".");

  @Test
  void oneProcessOfAllServersGivesTheRewardsOfScore() throws IOException {
    try (BuiltMesh mesh = BuiltMesh.start(data, Map.of("ballast.reward.max-items", "2"))) {
      JsonNode apart = JSON.readTree(mesh.post("/get_reward", QUERY));
      JsonNode together = JSON.readTree(mesh.post("/classify", INPUT));

      assertThat(apart.at("/rewards/0").doubleValue())
          .as(apart.toString())
          .isEqualTo(score(mesh.channel(), PROMPT, COMPLETION));
      assertThat(apart.at("/extra_logs/spread/0").isNumber()).isTrue();
      assertThat(together.at("/data/0/probs/0").doubleValue())
          .as(together.toString())
          .isEqualTo(score(mesh.channel(), "", PROMPT + COMPLETION));
      assertThat(mesh.post("/get_reward", "{\"query\": [\"\"]}"))
          .contains("\"status\":400", "query[0]: empty");
      assertThat(mesh.post("/get_reward", "{\"query\": [\"a\", \"b\", \"c\"]}"))
          .contains("\"status\":400", "query: more than 2 items");
      assertThat(mesh.http("/q/metrics"))
          .contains("ballast_server_calls_seconds_count{code=\"OK\"", "RewardService/Score");
    }
  }

  @Test
  void whatIsSwitchedOffOrGuardedIsSaid() throws IOException {
    Map<String, String> off =
        Map.of("ballast.roles", "reward", "ballast.reward.http.enabled", "false");
    try (BuiltMesh mesh = BuiltMesh.start(data.resolve("off"), off)) {
      assertThat(mesh.post("/get_reward", QUERY)).doesNotContain("rewards", "\"status\"");
    }
    Map<String, String> guarded = Map.of("ballast.roles", "reward", "ballast.token", "secret");
    try (BuiltMesh mesh = BuiltMesh.start(data.resolve("guarded"), guarded)) {
      assertThat(mesh.post("/get_reward", QUERY)).contains("\"reason\":\"UNAUTHENTICATED\"");
      assertThat(mesh.post("/get_reward", "{")).contains("\"reason\":\"UNAUTHENTICATED\"");
    }
    assertRefused("PT0S", "> 0");
    assertRefused("PT2M", "below quarkus.http.idle-timeout, PT2M");
  }

  private void assertRefused(String timeout, String expected) throws IOException {
    BuiltMesh wrong =
        BuiltMesh.launch(
            data.resolve(timeout),
            BuiltMesh.freePort(),
            BuiltMesh.freePort(),
            Map.of("ballast.reward.http.timeout", timeout));
    assertThat(wrong.awaitEnd()).isEqualTo(1);
    assertThat(wrong.complaint())
        .isEqualTo(
            "mesh: ballast.reward.http.timeout: %s (expected: %s)".formatted(timeout, expected));
  }

  private static double score(ManagedChannel channel, String prompt, String completion) {
    return RewardServiceGrpc.newBlockingStub(channel)
        .score(
            ScoreRequest.newBuilder()
                .addItems(
                    ScoreItem.newBuilder()
                        .setPrompt(TextOrTokens.newBuilder().setText(prompt))
                        .setCompletion(TextOrTokens.newBuilder().setText(completion)))
                .build())
        .getResults(0)
        .getValue();
  }
}
