package io.ballast.reward.http;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.ballast.reward.testing.TestReward;
import java.io.IOException;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What each client sends, and every character of what it reads. Member k of the three gives a text
 * of n characters (n · (k + 1) − k) / 2 on the common scale, so n / 2 is the worst of them.
 */
class GoldenAnswersTest {
  private static final Path FOLDER = Path.of("src/test/resources/dialects");

  static List<Path> files() throws IOException {
    try (Stream<Path> files = Files.list(FOLDER)) {
      return files.sorted().toList();
    }
  }

  @ParameterizedTest
  @MethodSource("files")
  void theAnswerIsTheOneKept(Path file) throws Exception {
    JsonNode golden = TestRoutes.JSON.readTree(file.toFile());
    try (TestReward reward = TestReward.start(Map.of());
        TestRoutes routes = new TestRoutes(reward.services())) {
      HttpResponse<String> answer =
          routes.send(
              routes
                  .to(golden.get("post").textValue())
                  .header("X-Request-Id", "golden")
                  .POST(BodyPublishers.ofString(golden.get("request").toString())));

      assertThat(answer.body()).isEqualTo(golden.get("response").toString());
      assertThat(answer.statusCode()).isEqualTo(golden.get("status").intValue());
      assertThat(answer.headers().firstValue("Content-Type"))
          .hasValue(answer.statusCode() == 200 ? "application/json" : "application/problem+json");
    }
  }
}
