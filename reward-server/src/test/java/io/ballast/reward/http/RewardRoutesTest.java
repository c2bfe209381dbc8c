package io.ballast.reward.http;

import static io.ballast.reward.testing.Composites.LEARNED;
import static io.ballast.reward.testing.Composites.composite;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import io.ballast.reward.config.HttpConfig;
import io.ballast.reward.testing.TestReward;
import io.ballast.testing.Await;
import java.net.InetAddress;
import java.net.Socket;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Who may ask, how much, for how long, and what is said instead of a number. */
@Timeout(60)
class RewardRoutesTest {
  private static final String ONE = "{\"query\": [\"int a = 1;\"]}";

  private final TestReward reward =
      TestReward.start(
          Map.of("max-items", "2", "queued-tokens", "20", "deadline-reserve", "PT9.8S"),
          List.of(
              composite(
                  "mix",
                  "{'taste': " + LEARNED + ", 'answer': {'kind': 'exact'}}",
                  "{'sum': [{'weight': 1, 'of': 'taste'}, {'weight': 10, 'of': 'answer'}]}")));

  @AfterEach
  void stop() {
    reward.close();
  }

  private TestRoutes start() throws Exception {
    return new TestRoutes(reward.services());
  }

  private static JsonNode json(HttpResponse<String> answer) throws JsonProcessingException {
    return TestRoutes.JSON.readTree(answer.body());
  }

  private static void assertProblem(
      HttpResponse<String> answer, int status, String reason, String detail)
      throws JsonProcessingException {
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(status);
    assertThat(answer.headers().firstValue("Content-Type")).hasValue("application/problem+json");
    assertThat(json(answer).get("status").intValue()).isEqualTo(status);
    assertThat(json(answer).get("reason").textValue()).isEqualTo(reason);
    assertThat(json(answer).get("detail").textValue()).startsWith(detail);
    assertThat(json(answer).has("rewards")).isFalse();
    assertThat(json(answer).has("data")).isFalse();
    assertThat(answer.headers().firstValue("Retry-After").isPresent())
        .as("whether asking again helps")
        .isEqualTo(status == 429 || status == 503);
  }

  @Test
  void theAnswerNamesTheCallAndWhatJudged() throws Exception {
    try (TestRoutes routes = start()) {
      HttpResponse<String> answer = routes.post("/get_reward", ONE);

      assertThat(answer.headers().firstValue("X-Request-Id")).isPresent();
      assertThat(answer.headers().firstValue("X-Ballast-Model")).hasValue("java-reward/1");
      assertThat(answer.headers().firstValue("X-Ballast-Weights-Sha256")).hasValue("1".repeat(64));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"/get_reward", "/classify"})
  void theMeshsTokenIsNeededWhereItHasOne(String path) throws Exception {
    String body = "{\"query\": [\"a\"], \"input\": \"a\"}";
    try (TestRoutes routes =
        new TestRoutes(reward.services(), TestRoutes.DEFAULTS, Optional.of("secret"))) {
      HttpResponse<String> none = routes.post(path, body);
      HttpResponse<String> wrong =
          routes.send(
              routes
                  .to(path)
                  .header("Authorization", "Bearer other")
                  .POST(BodyPublishers.ofString(body)));
      HttpResponse<String> right =
          routes.send(
              routes
                  .to(path)
                  .header("Authorization", "Bearer secret")
                  .POST(BodyPublishers.ofString(body)));

      for (HttpResponse<String> refused : List.of(none, wrong)) {
        assertProblem(
            refused, 401, "UNAUTHENTICATED", "the header 'authorization: Bearer <token>'");
        assertThat(refused.headers().firstValue("WWW-Authenticate")).hasValue("Bearer");
      }
      assertThat(right.statusCode()).isEqualTo(200);
    }
    assertThat(reward.ensembles.batches).as("what strangers asked was not scored").hasSize(1);
  }

  @Test
  void whatIsNoPostOfJsonFromATrainerIsRefused() throws Exception {
    try (TestRoutes routes = start()) {
      HttpResponse<String> got = routes.send(routes.to("/get_reward").GET());
      assertProblem(got, 405, "METHOD_NOT_ALLOWED", "this path takes POST alone");
      assertThat(got.headers().firstValue("Allow")).hasValue("POST");
      assertProblem(
          routes.send(
              routes
                  .to("/get_reward")
                  .setHeader("Content-Type", "text/plain")
                  .POST(BodyPublishers.ofString(ONE))),
          415,
          "MALFORMED_REQUEST",
          "content-type: expected application/json");
      assertProblem(
          routes.send(
              routes
                  .to("/classify")
                  .header("Origin", "http://example.org")
                  .POST(BodyPublishers.ofString(ONE))),
          403,
          "FOREIGN_ORIGIN",
          "origin: present");
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{                                | body: no JSON",
        "[]                               | body: array (expected: an object)",
        "{} {}                            | body: no JSON",
        "{\"query\": [], \"query\": []}   | query: there twice (expected: once)",
        "{\"query\": [1e]}               | body: no JSON",
        "1                                | body: 1 (expected: an object)",
        "{\"query\": {\"a\": 1}}        | query: object (expected: a list of texts)",
        "{\"query\": [[\"a\"]]}         | query[0]: array (expected: text)",
        "{\"other\": [1, }               | body: no JSON",
        "{}                               | query: absent (expected: a list of texts)",
        "{\"query\": null}                | query: absent",
        "{\"query\": \"a\"}               | query: a text of 1 character (expected: a list of texts)",
        "{\"query\": [a]}                  | body: no JSON: Unrecognized token",
        "{\"query\": [null]}              | query[0]: null (expected: text)",
        "{\"query\": [{}]}                | query[0]: object (expected: text)",
        "{\"query\": [NaN]}               | body: no JSON",
        "{\"query\": [\"a\"], \"prompts\": []}  | prompts: 0 (expected: as many as there are in query, 1)",
        "{\"query\": [\"a\", \"b\", \"c\"]}     | query: 3 items (expected: 1 to 2)",
      })
  void aBodyThatIsWrongIsNamedByItsField(String body, String detail) throws Exception {
    try (TestRoutes routes = start()) {
      assertProblem(routes.post("/get_reward", body), 400, "MALFORMED_REQUEST", detail);
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "modle=a             | parameter 'modle': unknown (expected: some of aggregation, end_of_text,",
        "model=a&model=b     | model: 2 values (expected: one)",
        "model=a/            | model: 'a/' (expected: NAME or NAME/VERSION)",
        "aggregation=best    | aggregation: 'best' (expected: one of MEAN, WCO,",
        "quantile=0.9&aggregation=lower_quantile | quantile: 0.9 (expected: above 0,",
        "uwo_lambda=much     | uwo_lambda: 'much' (expected: a number)",
        "uwo_lambda=NaN      | uwo_lambda: NaN (expected: finite, ≥ 0)",
        "truncation=middle   | truncation: 'middle' (expected: one of refuse, keep_last, keep_first)",
        "priority=urgent     | priority: 'urgent' (expected: one of interactive, trainer, batch)",
        "timeout=5           | timeout: '5' (expected: a duration such as PT5S)",
        "timeout=PT-1S       | timeout: PT-1S (expected: above 0)",
        "tenant=a%2Fb        | tenant: a/b (allowed: at most 64 characters",
        "end_of_text=        | end_of_text: empty",
        "label=answer        | labels: absent (expected: a list of texts, as the address has a label)",
      })
  void anAddressThatIsWrongIsNamedByItsParameter(String query, String detail) throws Exception {
    try (TestRoutes routes = start()) {
      assertProblem(routes.post("/get_reward?" + query, ONE), 400, "MALFORMED_REQUEST", detail);
    }
  }

  @Test
  void fieldsThatNobodyAsksForArePassedOver() throws Exception {
    try (TestRoutes routes = start()) {
      HttpResponse<String> answer =
          routes.post(
              "/get_reward",
              "{\"labels\": [{\"a\": [1, {\"query\": 2}]}], \"query\": [\"int a = 1;\"], \"a\": null,"
                  + " \"a\": {\"query\": []}}");

      assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
      assertThat(json(answer).get("rewards").size()).isEqualTo(1);
    }
  }

  @Test
  void anAddressThatCannotBeDecodedIsRefused() throws Exception {
    try (TestRoutes routes = start();
        Socket socket = new Socket(InetAddress.getLoopbackAddress(), routes.port())) {
      socket
          .getOutputStream()
          .write(
              ("POST /get_reward?model=%zz HTTP/1.1\r\nHost: mesh\r\nConnection: close\r\n"
                      + "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}")
                  .getBytes(StandardCharsets.US_ASCII));

      assertThat(new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8))
          .startsWith("HTTP/1.1 400")
          .endsWith(
              "{\"status\":400,\"detail\":\"address: its parameters cannot be decoded\","
                  + "\"reason\":\"MALFORMED_REQUEST\"}");
    }
  }

  @Test
  void aBodyOverTheLimitIsRefused() throws Exception {
    HttpConfig small = new HttpConfig(true, Duration.ofSeconds(60), 10, 10);
    try (TestRoutes routes = new TestRoutes(reward.services(), small, Optional.empty())) {
      assertProblem(
          routes.post("/get_reward", ONE),
          413,
          "MALFORMED_REQUEST",
          "body: over the limit of 10 bytes");
    }
  }

  @Test
  void switchedOffThereIsNothing() throws Exception {
    HttpConfig off = new HttpConfig(false, Duration.ofSeconds(60), 8 << 20, 8 << 20);
    try (TestRoutes routes = new TestRoutes(reward.services(), off, Optional.empty())) {
      assertThat(routes.post("/get_reward", ONE).statusCode()).isEqualTo(404);
      assertThat(routes.post("/classify", ONE).statusCode()).isEqualTo(404);
    }
  }

  @Test
  void aTextThatIsTooLongFailsTheRequestWithItsPlace() throws Exception {
    try (TestRoutes routes = start()) {
      HttpResponse<String> answer =
          routes.post("/classify", "{\"input\": [\"a\", \"%s\"]}".formatted("a".repeat(70_000)));

      assertProblem(answer, 413, "TOO_LONG", "input[1]: 70,000 bytes, limit 65,536; 1 of 2 failed");
      assertThat(json(answer).at("/items/0/index").intValue()).isEqualTo(1);
    }
  }

  @Test
  void aServerThatIsFullSaysWhenToComeBack() throws Exception {
    try (TestRoutes routes = start()) {
      reward.ensembles.hold();
      CompletableFuture<HttpResponse<String>> held = ask(routes, "held");
      reward.ensembles.awaitHeld();
      CompletableFuture<HttpResponse<String>> queued = ask(routes, "fifteen letters");
      Await.until(() -> reward.waitingTokens() > 0);

      assertProblem(
          routes.post("/get_reward", "{\"query\": [\"fifteen further\"]}"), 429, "OVERLOADED", "");

      reward.ensembles.release();
      assertThat(held.get(10, TimeUnit.SECONDS).statusCode()).isEqualTo(200);
      assertThat(queued.get(10, TimeUnit.SECONDS).statusCode()).isEqualTo(200);
    }
  }

  @Test
  void brokenWeightsAreNoNumber() throws Exception {
    try (TestRoutes routes = start()) {
      assertProblem(
          routes.post("/get_reward?model=java-reward/2", ONE),
          500,
          "CORRUPT_WEIGHTS",
          "model.safetensors: SHA-256 differs");
      assertProblem(
          routes.post("/classify", "{\"model\": \"java-reward/1\", \"input\": \"T\"}"),
          500,
          "MODEL_ERROR",
          "input[0]: ");
    }
  }

  @Test
  void whatIsLateIsNoNumber() throws Exception {
    try (TestRoutes routes = start()) {
      reward.ensembles.hold();
      assertProblem(routes.post("/get_reward?timeout=PT10S", ONE), 504, "DEADLINE", "query[0]: ");
      reward.ensembles.release();
    }
  }

  @Test
  void whoLeavesIsNotScored() throws Exception {
    try (TestRoutes routes = start()) {
      reward.ensembles.hold();
      CompletableFuture<HttpResponse<String>> held = ask(routes, "held");
      reward.ensembles.awaitHeld();
      CompletableFuture<HttpResponse<String>> leaving = ask(routes, "leaving");
      Await.until(() -> reward.waitingTokens() > 0);

      leaving.cancel(true);

      Await.until(() -> reward.waitingTokens() == 0);
      Await.until(() -> routes.callsUnderWay() == 1);
      reward.ensembles.release();
      assertThat(held.get(10, TimeUnit.SECONDS).statusCode()).isEqualTo(200);
    }
    assertThat(reward.ensembles.batches).hasSize(1);
  }

  private static CompletableFuture<HttpResponse<String>> ask(TestRoutes routes, String text) {
    return routes
        .client()
        .sendAsync(
            routes
                .to("/get_reward")
                .POST(BodyPublishers.ofString("{\"query\": [\"%s\"]}".formatted(text)))
                .build(),
            BodyHandlers.ofString());
  }

  @Test
  void labelsAreWhatACompositeChecksAgainst() throws Exception {
    String body =
        "{\"query\": [\"4 + 4 = 8\", \"4 + 5 = 8\"], \"prompts\": [\"4 + 4 = \", \"4 + 5 = \"],"
            + " \"labels\": [\"8\", \"9\"]}";
    try (TestRoutes routes = start()) {
      HttpResponse<String> answer = routes.post("/get_reward?model=mix&label=answer", body);

      // one character: 1 / 2 by the worst member; the right answer is worth 10 more
      assertThat(answer.body())
          .isEqualTo(
              "{\"rewards\":[10.5,0.5],\"scores\":[10.5,0.5],\"extra_logs\":{"
                  + "\"component_taste\":[0.5,0.5],\"component_answer\":[1.0,0.0],"
                  + "\"prompt_dropped_tokens\":[0.0,0.0],\"from_cache\":[0.0,0.0]}}");
      assertProblem(
          routes.post("/get_reward?model=mix", body),
          400,
          "INVALID_INPUT",
          "query[0]: component 'answer': labels[0]: absent");
    }
  }

  @Test
  void aMemberThatIsMissingHasNoListOfNumbers() throws Exception {
    try (TestReward some = TestReward.start(Map.of("quorum", "2"));
        TestRoutes routes = new TestRoutes(some.services())) {
      HttpResponse<String> answer =
          routes.post("/get_reward?aggregation=mean", "{\"query\": [\"aa\", \"aN\"]}");

      assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
      assertThat(json(answer).at("/extra_logs/member_0").size()).isEqualTo(2);
      assertThat(json(answer).at("/extra_logs").has("member_1")).isFalse();
      assertThat(answer.body()).doesNotContain("NaN", "null");
    }
  }
}
