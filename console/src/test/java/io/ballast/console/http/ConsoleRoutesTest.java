package io.ballast.console.http;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.ballast.console.http.TestConsole.Reply;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.kit.runtime.Role;
import io.ballast.policy.v1.GateMode;
import io.ballast.policy.v1.SuggestRequest;
import io.ballast.testing.HeardLog;
import io.vertx.core.http.HttpMethod;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.logging.Level;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What the page gets, over HTTP, from servers that answer, refuse or are not there. */
class ConsoleRoutesTest {
  private final FakeMesh mesh = new FakeMesh();
  private TestConsole console;

  @BeforeEach
  void start() throws Exception {
    console = new TestConsole(mesh, new ConsoleAccess(shown -> true, true));
  }

  @AfterEach
  void stop() throws Exception {
    console.close();
    mesh.close();
  }

  private static void assertFailure(Reply reply, int status, String reason, String message) {
    assertThat(reply.status()).as(reply.body()).isEqualTo(status);
    assertThat(reply.json().get("reason").asText()).isEqualTo(reason);
    assertThat(reply.json().get("message").asText()).contains(message);
    assertThat(reply.json()).as("nothing but reason and message").hasSize(2);
    assertThat(reply.headers()).containsEntry("Content-Type", "application/json");
  }

  @Test
  void aFailureThatNobodyForesawIsLoggedWithoutItsMessage() throws Exception {
    try (HeardLog log = HeardLog.of(ConsoleRoutes.class.getName(), Level.SEVERE)) {
      assertThat(console.get("/api/broken").status()).isEqualTo(500);
      assertThat(log.messages())
          .hasSize(1)
          .allSatisfy(
              said -> assertThat(said).contains("IllegalStateException").doesNotContain("hunter2"));
    }
  }

  @Test
  void saysWhereEachServerIsAndWhetherItServes() throws Exception {
    mesh.drain(Role.SAFETY_SERVER);
    mesh.stop(Role.ORCHESTRATOR);

    JsonNode servers = console.get("/api/servers").json().get("servers");

    assertThat(servers).hasSize(4);
    assertThat(servers.get(0).get("role").asText()).isEqualTo("policy-server");
    assertThat(servers.get(0).get("health").asText()).isEqualTo("SERVING");
    assertThat(servers.get(0).get("here").asBoolean()).isTrue();
    assertThat(servers.get(1).get("here").asBoolean()).isFalse();
    assertThat(servers.get(1).get("addresses").get(0).asText()).isEqualTo("reward.internal:9101");
    assertThat(servers.get(2).get("health").asText()).isEqualTo("NOT_SERVING");
    assertThat(servers.get(3).has("health")).as("unknown is absent").isFalse();
    assertThat(servers.get(3).get("failure").get("reason").asText()).isEqualTo("DEPENDENCY_DOWN");
  }

  @Test
  void listsVersionsWithTheirAliases() throws Exception {
    JsonNode models = console.get("/api/models").json();

    assertThat(models.get("versions").get(0).get("version").get("version").asText()).isEqualTo("1");
    assertThat(models.get("aliases").get(0).get("alias").asText()).isEqualTo("serving");
  }

  @Test
  void unknownModelIsNotFound() throws Exception {
    assertFailure(console.get("/api/models?model=nope"), 404, "UNKNOWN_MODEL", "no model nope");
  }

  @Test
  void listsRunsWithoutTheirSpecs() throws Exception {
    JsonNode run = console.get("/api/runs").json().get("runs").get(0);

    assertThat(run.get("name").asText()).isEqualTo("constrained");
    assertThat(run.has("spec")).isFalse();
  }

  @Test
  void whatAnIterationDoesNotSayIsAbsentAndAZeroIsAZero() throws Exception {
    JsonNode answer = console.get("/api/runs/" + FakeMesh.RUN_ID).json();

    assertThat(answer.get("run").get("spec").asText()).isEqualTo("name: constrained");
    JsonNode first = answer.get("iterations").get(0);
    assertThat(first.get("mean_reward").isNumber()).isTrue();
    assertThat(first.get("mean_reward").asDouble()).isZero();
    assertThat(first.has("lambda")).isFalse();
    assertThat(answer.get("iterations").get(1).get("lambda").asDouble(-1)).isZero();
    assertThat(answer.get("run").has("candidate_version")).isFalse();
  }

  @Test
  void unknownRunIsNotFound() throws Exception {
    String id = "0c7f0000-0000-4000-8000-00000000ffff";

    assertFailure(console.get("/api/runs/" + id), 404, "UNKNOWN_RESOURCE", "no run " + id);
  }

  @Test
  void showsSafetyTestsAndVerifiesCertificates() throws Exception {
    JsonNode test = console.get("/api/safety-tests").json().get("tests").get(0);
    assertThat(test.get("outcome").get("upper_bound").asDouble()).isEqualTo(0.24);

    JsonNode certificate =
        console.get("/api/certificates/" + test.get("certificate_id").asText()).json();
    assertThat(certificate.get("valid").asBoolean()).isTrue();
    assertThat(certificate.get("findings").get(0).asText()).isEqualTo("digest: matches");
  }

  @Test
  void suggestsAndShowsTheTraceOfExactlyThatCall() throws Exception {
    JsonNode answer =
        console
            .suggest(
                """
                {"prompt": "for (int i = 0; i < ", "gate_mode": "SHADOW", "with_cost": true,
                 "temperature": 0.5, "seed": "9223372036854775807"}
                """)
            .json();

    SuggestRequest asked = mesh.suggested.getFirst();
    assertThat(asked.getPrompt()).isEqualTo("for (int i = 0; i < ");
    assertThat(asked.getGateMode()).isEqualTo(GateMode.GATE_MODE_SHADOW);
    assertThat(asked.getWithCost()).isTrue();
    assertThat(asked.getWithReward()).isFalse();
    assertThat(asked.getSampling().getTemperature()).isEqualTo(0.5);
    assertThat(asked.getSampling().hasMaxNewTokens()).isFalse();
    assertThat(asked.getSampling().getSeed()).isEqualTo(Long.MAX_VALUE);
    JsonNode suggestion = answer.get("suggestion");
    assertThat(suggestion.get("decision").asText()).isEqualTo("DECISION_SHOW");
    assertThat(suggestion.get("seed").asText()).as("exact").isEqualTo("9223372036854775807");
    assertThat(suggestion.get("timing").get("infer_duration").asText()).isEqualTo("0.012s");
    assertThat(suggestion.has("stage_one")).as("not asked is absent").isFalse();

    JsonNode trace = console.get("/api/traces/" + answer.get("trace_id").asText()).json();
    JsonNode first = trace.get("spans").get(0);
    assertThat(trace.get("spans").findValuesAsText("name"))
        .containsExactly(
            "console: suggest",
            "ballast.policy.v1.PolicyService/Suggest",
            "ballast.policy.v1.PolicyService/Suggest");
    assertThat(first.has("parent_span_id")).isFalse();
    assertThat(trace.get("spans").get(1).get("parent_span_id")).isEqualTo(first.get("span_id"));
    assertThat(trace.get("every_server_here").asBoolean()).isFalse();
  }

  @Test
  void tracesThatAreNotKeptAreNotMadeUp() throws Exception {
    String trace = "/api/traces/" + "ab".repeat(16);
    assertFailure(console.get(trace), 404, "UNKNOWN_RESOURCE", "keeps no span of it");

    mesh.keepsSpans = false;
    assertFailure(console.get(trace), 409, "PRECONDITION_FAILED", "keeps no spans");
  }

  @Test
  void aPromptIsTextAndStaysText() throws Exception {
    String prompt = "</textarea><script>alert(1)</script>";

    assertThat(console.suggest("{\"prompt\": \"" + prompt + "\"}").status()).isEqualTo(200);

    assertThat(mesh.suggested.getFirst().getPrompt()).isEqualTo(prompt);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{\"promt\": \"a\"} | promt: unknown (known: prompt,",
        "{} | prompt: missing (expected: text)",
        "{\"prompt\": 7} | prompt: 7 (expected: text)",
        "{\"prompt\": \"a\", \"temperature\": \"hot\"} | temperature: text (expected: a number)",
        "{\"prompt\": \"a\", \"max_new_tokens\": 1.5} | max_new_tokens: 1.5 (expected: a whole",
        "{\"prompt\": \"a\", \"with_cost\": \"yes\"} | with_cost: text (expected: true or false)",
        "{\"prompt\": \"a\", \"gate_mode\": \"ON\"} | gate_mode: 'ON' (expected: ENFORCE,",
        "{\"prompt\": \"a\", \"seed\": \"x\"} | seed: 'x' (expected: a whole number of 64 bits",
        "{\"prompt\": \"a\", \"prompt\": \"b\"} | body: no JSON at line 1",
        "{\"prompt\": \"a\"} {} | body: no JSON at line 1",
        "[1] | body: a list (expected: an object)",
        "nonsense | body: no JSON at line 1"
      })
  void badJsonIsNamed(String body, String message) throws Exception {
    assertFailure(console.suggest(body), 400, "MALFORMED_REQUEST", message);
    assertThat(mesh.suggested).isEmpty();
  }

  @Test
  void textThatIsNoUnicodeIsNamedAndNotReplaced() throws Exception {
    assertFailure(
        console.suggest("{\"prompt\": \"int a\\ud800 = \"}"),
        400,
        "MALFORMED_REQUEST",
        "prompt: character 5 is a lone surrogate");
    byte[] latin1 = "{\"prompt\": \"caf\u00e9\"}".getBytes(StandardCharsets.ISO_8859_1);
    assertFailure(console.suggest(latin1), 400, "MALFORMED_REQUEST", "body: not UTF-8");
    assertThat(mesh.suggested).isEmpty();
  }

  @Test
  void anEmptyBodyIsNamed() throws Exception {
    assertFailure(console.suggest(""), 400, "MALFORMED_REQUEST", "body: nothing");
  }

  @Test
  void whatTheServerCallsMalformedIsTheReadersToMend() throws Exception {
    String message = "sampling.temperature: 99 (expected: 0, or 0.01 to 10)";
    mesh.refusal = new MeshException(Fault.MALFORMED_REQUEST, message);

    assertFailure(
        console.suggest("{\"prompt\": \"a\", \"temperature\": 99}"),
        400,
        "MALFORMED_REQUEST",
        message);
  }

  @Test
  void aServerThatIsFullSaysWhenToComeBack() throws Exception {
    mesh.refusal = new MeshException(Fault.OVERLOADED, "the queue is full");

    Reply reply = console.suggest("{\"prompt\": \"a\"}");

    assertFailure(reply, 429, "OVERLOADED", "the queue is full");
    assertThat(reply.headers()).containsEntry("Retry-After", "1");
  }

  @Test
  void moreQuestionsThanThereArePlacesAreRefusedAndPlacesComeBack() throws Exception {
    mesh.held = new CountDownLatch(1);
    String body = "{\"prompt\": \"a\"}";
    try (ExecutorService browsers = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<Reply>> asked = new ArrayList<>();
      for (int i = 0; i < 64; i++) {
        asked.add(browsers.submit(() -> console.suggest(body)));
      }
      mesh.came.acquire(64);

      assertFailure(console.suggest(body), 429, "OVERLOADED", "the console is busy");

      mesh.held.countDown();
      for (Future<Reply> reply : asked) {
        assertThat(reply.get().status()).isEqualTo(200);
      }
    }
    assertThat(console.suggest(body).status()).isEqualTo(200);
  }

  @Test
  void aServerThatIsDownIsNamed() throws Exception {
    mesh.stop(Role.ORCHESTRATOR);
    mesh.stop(Role.POLICY_SERVER);

    assertFailure(console.get("/api/runs"), 503, "DEPENDENCY_DOWN", "orchestrator: ");
    assertFailure(
        console.suggest("{\"prompt\": \"a\"}"), 503, "DEPENDENCY_DOWN", "policy-server: ");
    assertThat(console.get("/api/safety-tests").status()).as("the others answer").isEqualTo(200);
  }

  @Test
  void serversThatStartAreWaitedFor() throws Exception {
    mesh.starting = true;

    assertFailure(console.get("/api/servers"), 503, "MODEL_LOADING", "starting");
  }

  @Test
  void pathsAndMethodsThatAreNotThere() throws Exception {
    assertFailure(console.get("/api/nothing"), 404, "UNKNOWN_RESOURCE", "no such path");
    assertFailure(console.get("/api/suggestions"), 405, "METHOD_NOT_ALLOWED", "method");
    assertFailure(
        console.send(HttpMethod.DELETE, "/api/runs/" + FakeMesh.RUN_ID, Map.of(), ""),
        405,
        "METHOD_NOT_ALLOWED",
        "method");
  }

  @Test
  void aFormOfAnotherSiteCanAskForNothing() throws Exception {
    String body = "{\"prompt\": \"a\"}";
    for (String type : List.of("text/plain", "application/x-www-form-urlencoded")) {
      assertFailure(
          console.send(HttpMethod.POST, "/api/suggestions", Map.of("Content-Type", type), body),
          415,
          "MALFORMED_REQUEST",
          "expected application/json");
    }
    assertFailure(
        console.send(
            HttpMethod.POST,
            "/api/suggestions",
            Map.of("Content-Type", "application/json", "Origin", "https://elsewhere.example"),
            body),
        403,
        "FOREIGN_ORIGIN",
        "not this console's own page");
    assertThat(mesh.suggested).isEmpty();
  }

  @Test
  void aForeignNameThatLeadsToLoopbackIsRefused() throws Exception {
    assertFailure(
        console.send(HttpMethod.GET, "/api/runs", Map.of("Host", "rebound.example:9180"), ""),
        403,
        "FOREIGN_HOST",
        "loopback");
    assertThat(
            console
                .send(HttpMethod.GET, "/api/runs", Map.of("Host", "localhost:1234"), "")
                .status())
        .isEqualTo(200);
  }

  @Test
  void bodiesHaveALimit() throws Exception {
    assertFailure(
        console.suggest("{\"prompt\": \"" + "a".repeat(300_000) + "\"}"),
        413,
        "MALFORMED_REQUEST",
        "262,144 bytes");
  }

  @Test
  void aGuardedMeshIsShownToWhoKnowsItsToken() throws Exception {
    try (TestConsole guarded =
        new TestConsole(mesh, new ConsoleAccess(Optional.of("Bearer s3cret")::equals, true))) {
      assertFailure(guarded.get("/api/runs"), 401, "UNAUTHENTICATED", "Bearer");
      assertFailure(
          guarded.send(HttpMethod.GET, "/api/runs", Map.of("Authorization", "Bearer s3cre"), ""),
          401,
          "UNAUTHENTICATED",
          "Bearer");
      assertThat(
              guarded
                  .send(HttpMethod.GET, "/api/runs", Map.of("Authorization", "Bearer s3cret"), "")
                  .status())
          .isEqualTo(200);
      assertThat(mesh.shown).as("on behalf of who asks").containsExactly("Bearer s3cret");
      assertThat(guarded.get("/index.html").status()).as("the page says nothing").isEqualTo(200);
    }
  }

  @Test
  void whoWasLetInWhileTheServersStartedIsToldNothingOnceTheyHave() throws Exception {
    AtomicInteger looks = new AtomicInteger();
    try (TestConsole starting =
        new TestConsole(mesh, new ConsoleAccess(shown -> looks.getAndIncrement() == 0, true))) {
      assertFailure(starting.get("/api/runs"), 401, "UNAUTHENTICATED", "Bearer");
      assertThat(looks).hasValue(2);
    }
  }

  @Test
  void everyAnswerTellsTheBrowserToRunNothingForeign() throws Exception {
    for (String path : List.of("/index.html", "/api/runs", "/api/nothing")) {
      Map<String, String> headers = console.get(path).headers();
      assertThat(headers)
          .as(path)
          .containsEntry("X-Content-Type-Options", "nosniff")
          .containsEntry("Cache-Control", "no-cache");
      assertThat(headers.get("Content-Security-Policy"))
          .contains("default-src 'none'", "script-src 'self'", "frame-ancestors 'none'")
          .doesNotContain("unsafe");
    }
  }
}
