package io.ballast.console.http;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.ballast.kit.runtime.Role;
import io.vertx.core.http.HttpMethod;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Other gates read the verdict in the shapes that they read. */
class HooksTest {
  private static final ObjectMapper JSON = new ObjectMapper();

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

  @Test
  void argoReadsTheWholeVerdict() throws Exception {
    TestConsole.Reply reply = console.get("/hooks/argo?model=java-tiny&version=1&alias=serving");
    assertThat(reply.status()).isEqualTo(200);
    JsonNode expected =
        JSON.readTree(
            """
            {"data": {"ok": true, "verdict": "PASS", "reason": "because, for 'serving'",
              "model": "java-tiny", "version": "1", "weightsSha256": "%s",
              "testId": "%s", "upperBound": 0.24, "threshold": 0.25, "delta": 0.1,
              "meanCost": 0.2, "n": 300,
              "certificateId": "%s", "expireTime": "2027-01-15T08:00:00Z"}}\
            """
                .formatted("ab".repeat(32), FakeMesh.RUN_ID, FakeMesh.CERTIFICATE_ID));
    assertThat(reply.json()).isEqualTo(expected);
  }

  @ParameterizedTest
  @CsvSource({
    "2, NO_SOLUTION_FOUND",
    "3, REVOKED",
    "4, RUNNING",
    "5, EXPIRED",
    "9, UNKNOWN",
  })
  void whatDoesNotPassFailsArgoAndIsNoError(String version, String verdict) throws Exception {
    TestConsole.Reply reply = console.get("/hooks/argo?model=java-tiny&version=" + version);
    assertThat(reply.status()).isEqualTo(200);
    JsonNode data = reply.json().get("data");
    assertThat(data.get("ok").booleanValue()).isFalse();
    assertThat(data.get("verdict").textValue()).isEqualTo(verdict);
    assertThat(data.has("upperBound")).as("a number that there is not").isFalse();
  }

  @Test
  void aServerThatIsAwayIsAnErrorToBoth() throws Exception {
    mesh.stop(Role.SAFETY_SERVER);
    assertThat(console.get("/hooks/argo?model=java-tiny&version=1").status()).isEqualTo(503);
    assertThat(flagger("confirm", "1").status()).isEqualTo(503);
    assertThat(flagger("rollback", "1").status()).isEqualTo(503);
  }

  @ParameterizedTest
  @CsvSource({
    "1, 200, 403",
    "2, 403, 200",
    "3, 403, 200",
    "4, 403, 403",
    "5, 403, 403",
    "9, 404, 404"
  })
  void flaggerReadsTheStatus(String version, int confirm, int rollBack) throws Exception {
    assertThat(flagger("confirm", version).status()).isEqualTo(confirm);
    assertThat(flagger("rollback", version).status()).isEqualTo(rollBack);
  }

  @Test
  void tokenMayStandInFlaggersMetadata() throws Exception {
    try (TestConsole guarded =
        new TestConsole(mesh, new ConsoleAccess(Optional.of("Bearer secret")::equals, true))) {
      assertThat(guarded.get("/hooks/argo?model=java-tiny&version=1").status()).isEqualTo(401);
      String body = body("1", "");
      assertThat(post(guarded, "confirm", body).status()).isEqualTo(401);
      assertThat(post(guarded, "confirm", body("1", ", \"token\": \"other\"")).status())
          .isEqualTo(401);
      assertThat(post(guarded, "confirm", body("1", ", \"token\": \"secret\"")).status())
          .isEqualTo(200);
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{                         | body: no JSON",
        "[]                        | metadata: missing",
        "{\"name\": \"x\"}     | metadata: missing",
        "{\"metadata\": {\"model\": \"m\"}} | metadata.version: missing (expected: text)",
        "{\"metadata\": {\"model\": 3}}   | metadata.model: 3 (expected: text)",
      })
  void badBodiesAreNamed(String body, String message) throws Exception {
    TestConsole.Reply reply = post(console, "confirm", body);
    assertThat(reply.status()).isEqualTo(400);
    assertThat(reply.json().get("message").textValue()).startsWith(message);
  }

  @Test
  void badPathsAndQueriesAreNamed() throws Exception {
    TestConsole.Reply reply = console.get("/hooks/argo?model=java-tiny");
    assertThat(reply.status()).isEqualTo(400);
    assertThat(reply.json().get("message").textValue())
        .isEqualTo("version: missing (expected: a parameter of the query)");
    assertThat(console.get("/hooks/flagger/confirm").status()).isEqualTo(405);
    assertThat(console.get("/hooks/spinnaker").status()).isEqualTo(404);
  }

  private TestConsole.Reply flagger(String hook, String version) throws Exception {
    return post(console, hook, body(version, ""));
  }

  private static String body(String version, String more) {
    return """
    {"name": "policy-server", "namespace": "ballast", "phase": "Progressing",
     "checksum": "85d557f47b",
     "metadata": {"model": "java-tiny", "version": "%s", "alias": "serving"%s}}\
    """
        .formatted(version, more);
  }

  private static TestConsole.Reply post(TestConsole console, String hook, String body)
      throws Exception {
    return console.send(
        HttpMethod.POST,
        "/hooks/flagger/" + hook,
        Map.of("Content-Type", "application/json"),
        body);
  }
}
