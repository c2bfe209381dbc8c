package io.ballast.reward.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.inference.scoring.Content;
import io.ballast.reward.config.HttpConfig;
import io.ballast.reward.testing.TestReward;
import io.ballast.testing.Await;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What is told before a body is read, what reading one may cost, and what an Error answers. */
@Timeout(60)
class AdmissionTest {
  private static final String ONE = "{\"query\": [\"int a = 1;\"]}";
  private static final int LONGEST = 8 << 20;

  private final TestReward reward = TestReward.start(Map.of());

  @AfterEach
  void stop() {
    reward.close();
  }

  private TestRoutes start(HttpConfig config, Optional<String> token) throws Exception {
    return new TestRoutes(reward.services(), config, token);
  }

  /** Sends a head that promises a body, and none of it. */
  private static Socket promise(TestRoutes routes, String... headers) throws IOException {
    Socket socket = new Socket(InetAddress.getLoopbackAddress(), routes.port());
    socket
        .getOutputStream()
        .write(
            ("POST /get_reward HTTP/1.1\r\nHost: mesh\r\nContent-Type: application/json\r\n"
                    + String.join("\r\n", headers)
                    + "\r\n\r\n")
                .getBytes(StandardCharsets.US_ASCII));
    return socket;
  }

  private static String statusLine(Socket socket) throws IOException {
    byte[] line = socket.getInputStream().readNBytes("HTTP/1.1 401".length());
    return new String(line, StandardCharsets.US_ASCII);
  }

  @ParameterizedTest
  @ValueSource(strings = {"Content-Length: 8388608", "Transfer-Encoding: chunked"})
  void aStrangersBodyIsNotReadNorWaitedFor(String length) throws Exception {
    try (TestRoutes routes = start(TestRoutes.DEFAULTS, Optional.of("secret"));
        Socket none = promise(routes, length);
        Socket wrong = promise(routes, length, "Authorization: Bearer other")) {
      assertThat(statusLine(none)).isEqualTo("HTTP/1.1 401");
      assertThat(statusLine(wrong)).isEqualTo("HTTP/1.1 401");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"{", "[]", "{\"query\": 1}"})
  void aStrangerIsToldNothingOfItsBody(String body) throws Exception {
    try (TestRoutes routes = start(TestRoutes.DEFAULTS, Optional.of("secret"))) {
      HttpResponse<String> answer = routes.post("/get_reward?modle=a", body);

      assertThat(answer.statusCode()).isEqualTo(401);
      assertThat(answer.headers().firstValue("WWW-Authenticate")).hasValue("Bearer");
    }
  }

  @ParameterizedTest
  @CsvSource({"/get_reward,query", "/get_reward,prompts", "/classify,input"})
  void moreItemsThanTheServerTakesAreNotKept(String path, String field) throws Exception {
    String begin = "{\"" + field + "\": [";
    String items = "\"\",".repeat((LONGEST - begin.length() - 4) / 3);
    try (TestRoutes routes = start(TestRoutes.DEFAULTS, Optional.empty())) {
      HttpResponse<String> answer = routes.post(path, begin + items + "\"\"]}");

      assertThat(answer.statusCode()).isEqualTo(400);
      assertThat(answer.body()).contains(field + ": more than 4,096 items (expected: 1 to 4,096)");
    }
  }

  @Test
  void moreNamesThanAnyClientSendsAreNotRead() throws Exception {
    StringBuilder body = new StringBuilder("{");
    for (int i = 0; i < 100_001; i++) {
      body.append("\"").append(i).append("\":1,");
    }
    try (TestRoutes routes = start(TestRoutes.DEFAULTS, Optional.empty())) {
      HttpResponse<String> answer = routes.post("/get_reward", body + "\"query\": [\"a\"]}");

      assertThat(answer.statusCode()).as(answer.body()).isEqualTo(400);
      assertThat(answer.body()).contains("body: ", "200000");
    }
  }

  @Test
  void aTextOfEndsAloneIsReadOnce() {
    int length = LONGEST - 64;
    char[] text = new char[length];
    Arrays.fill(text, 'a');
    byte[] body =
        "{\"query\": [\"b%s\"]}".formatted(new String(text)).getBytes(StandardCharsets.UTF_8);
    GetReward dialect = new GetReward();
    Options options =
        Options.read(
            Map.of("end_of_text", List.of("a")), dialect.parameters(), Duration.ofSeconds(1));

    // a copy for each end would be 35 TB
    assertThat(dialect.read(JsonBody.read(body, dialect.fields(options), 1), options).items())
        .singleElement()
        .satisfies(item -> assertThat(item.completion()).isEqualTo(new Content.Text("b")));
  }

  @Test
  void bodiesThatAreNotAnsweredHaveALimitTogether() throws Exception {
    HttpConfig two = new HttpConfig(true, Duration.ofSeconds(60), 1_000, 2_000);
    try (TestRoutes routes = start(two, Optional.empty());
        Socket ended = promise(routes, "Content-Length: 1000");
        Socket chunked = promise(routes, "Transfer-Encoding: chunked")) {
      Await.until(() -> status(routes) == 429);
      HttpResponse<String> refused = routes.post("/get_reward", ONE);
      assertThat(refused.headers().firstValue("Retry-After")).isPresent();
      assertThat(refused.body())
          .contains("OVERLOADED", "the requests under way leave no room for it in 2,000 bytes");

      ended.close();

      Await.until(() -> status(routes) == 200);
      assertThat(chunked.isConnected()).isTrue();
      for (int i = 0; i < 100; i++) {
        assertThat(status(routes))
            .as("request %d: what is answered is given back", i)
            .isEqualTo(200);
      }
    }
  }

  private static int status(TestRoutes routes) {
    try {
      return routes.post("/get_reward", ONE).statusCode();
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void aBodyThatDoesNotComeIsGivenUp() throws Exception {
    HttpConfig one = new HttpConfig(true, Duration.ofMillis(200), 1_000, 1_000);
    try (TestRoutes routes = start(one, Optional.empty());
        Socket silent = promise(routes, "Content-Length: 1000")) {
      assertThat(new String(silent.getInputStream().readAllBytes(), StandardCharsets.UTF_8))
          .startsWith("HTTP/1.1 408")
          .contains("body: not whole after 200 ms");
      Await.until(() -> status(routes) != 429);
    }
  }

  @Test
  void anErrorIsAnswered() throws Exception {
    try (TestRoutes routes =
        new TestRoutes(
            reward.services(),
            TestRoutes.DEFAULTS,
            Optional.empty(),
            way ->
                () -> {
                  throw new NoClassDefFoundError("missing");
                })) {
      HttpResponse<String> answer = routes.post("/get_reward", ONE);

      assertThat(answer.statusCode()).isEqualTo(500);
      assertThat(answer.body()).contains("INTERNAL").doesNotContain("missing");
    }
  }
}
