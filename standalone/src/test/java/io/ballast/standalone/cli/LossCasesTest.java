package io.ballast.standalone.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code algorithms --evaluate} says what a recipe makes of numbers that are given. */
class LossCasesTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir private Path folder;

  private Cli.Result evaluate(String... cases) throws IOException {
    Path file = Files.writeString(folder.resolve("cases.jsonl"), String.join("\n", cases));
    return Cli.run(Path.of("."), Map.of(), "algorithms", "--evaluate", file.toString());
  }

  private static JsonNode line(Cli.Result result, int index) throws JsonProcessingException {
    return JSON.readTree(result.out().lines().toList().get(index));
  }

  private static String completion(double reward, String logProbs) {
    return "{\"per_token\": {\"current_log_prob\": %s, \"behaviour_log_prob\": %s},"
            .formatted(logProbs, logProbs)
        + " \"per_completion\": {\"reward\": %s}}".formatted(reward);
  }

  @Test
  void aHandComputedCase() throws IOException {
    // RLOO of two: 3 − 1 = 2 and −2. Mean over completions of −A·Σ log π: (−2·(−3) + 2·(−4))/2 = −1
    Cli.Result result =
        evaluate(
            "{\"recipe\": {\"algorithm\": \"RLOO\", \"kl\": {\"coefficient\": 0}}, \"groups\": [[%s, %s]]}"
                .formatted(completion(3, "[-1, -2]"), completion(1, "[-4]")));

    assertThat(result.exit()).isZero();
    JsonNode answer = line(result, 0);
    assertThat(answer.path("value").asDouble()).isEqualTo(-1, within(1e-12));
    JsonNode first = answer.path("completions").path(0);
    assertThat(first.path("completion").asText()).isEqualTo("0.0");
    assertThat(first.path("per_token").path("advantage")).hasToString("[2.0,2.0]");
    assertThat(first.path("gradient").path("current_log_prob")).hasToString("[-1.0,-1.0]");
    assertThat(answer.path("completions").path(1).path("gradient").path("current_log_prob"))
        .hasToString("[1.0]");
  }

  @Test
  void equalRewardsHaveNoSignalForPairs() throws IOException {
    JsonNode answer =
        line(
            evaluate(
                "{\"recipe\": {\"algorithm\": \"SIMPO\"}, \"groups\": [[%s, %s]]}"
                    .formatted(completion(1, "[-1]"), completion(1, "[-2]"))),
            0);

    assertThat(answer.path("signal").asBoolean(true)).isFalse();
  }

  @Test
  void aBadCaseFailsAlone() throws IOException {
    String good =
        "{\"recipe\": {\"algorithm\": \"RLOO\", \"kl\": {\"coefficient\": 0}}, \"groups\": [[%s, %s]]}"
            .formatted(completion(3, "[-1]"), completion(1, "[-4]"));
    Cli.Result result =
        evaluate(
            "{\"recipe\": {\"algorithm\": \"RLOO\"}, \"groups\": [[{\"per_token\": {\"reward\": [\"1\"]}}]]}",
            "{\"recipe\": {\"objective\": {\"clip\": 1}}, \"groups\": [[%s]]}"
                .formatted(completion(1, "[-1]")),
            "{\"recipe\": ",
            "{\"groups\": [[{\"per_token\": {\"log_prob\": [1]}}]]}",
            "{\"max_new_tokens\": \"9\", \"groups\": []}",
            "{\"max_new_tokens\": 1.5, \"groups\": []}",
            good);

    assertThat(result.exit()).isEqualTo(Exit.FAILED.code());
    assertThat(line(result, 0).path("error").asText())
        .isEqualTo("groups[0][0].per_token.reward[0]: \"1\" (expected: a number)");
    assertThat(line(result, 1).path("error").asText()).startsWith("objective.clip: unknown key");
    assertThat(line(result, 2).path("error").asText()).startsWith("no JSON");
    assertThat(line(result, 3).path("error").asText())
        .startsWith("groups[0][0].per_token.log_prob: unknown (known: current_log_prob,");
    assertThat(line(result, 4).path("error").asText())
        .isEqualTo("max_new_tokens: \"9\" (expected: a whole number ≥ 1)");
    assertThat(line(result, 5).path("error").asText())
        .isEqualTo("max_new_tokens: 1.5 (expected: a whole number ≥ 1)");
    assertThat(line(result, 6).path("value").asDouble()).isFinite();
  }
}
