package io.ballast.standalone.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.ballast.kit.runtime.Role;
import io.ballast.mesh.v1.SamplingOptions;
import io.ballast.policy.v1.PolicyServiceGrpc;
import io.ballast.policy.v1.SuggestResponse;
import io.ballast.policy.v1.SuggestStreamRequest;
import io.ballast.policy.v1.SuggestStreamResponse;
import io.ballast.reward.v1.RewardServiceGrpc;
import io.ballast.reward.v1.ScoreStreamRequest;
import io.ballast.reward.v1.ScoreStreamResponse;
import io.ballast.testing.Await;
import io.ballast.testing.MonitoredMetrics;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The built program: it starts, refuses to start with one clear line, and stops losing nothing. */
class ProcessIT {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int FAILED = 1;

  /** How the JVM reports that SIGTERM ended it. */
  private static final int TERMINATED = 143;

  private static final String SUGGEST = "ballast.policy.v1.PolicyService/Suggest";

  /** What a suggestion with everything calls. */
  private static final List<String> HOPS =
      List.of(
          SUGGEST,
          "ballast.safety.v1.DisplayGateService/DecideGeneration",
          "ballast.reward.v1.RewardService/Score",
          "ballast.safety.v1.SafetyService/Cost",
          "safety.gate.context",
          "policy.queue",
          "policy.prefill",
          "policy.decode",
          "policy.generate",
          "reward.tokenise",
          "reward.infer",
          "safety.tokenise",
          "safety.infer",
          "policy.judge",
          "safety.gate.suggestion",
          "policy.record");

  private static final int MOST_LOOKS = 100;

  /** To connect to this machine. */
  private static final int MOST_MILLIS = 10_000;

  /** A bucket of suggestions with the trace of one that fell into it, as OpenMetrics has it. */
  private static final Pattern EXEMPLAR =
      Pattern.compile(
          "ballast_server_calls_seconds_bucket\\{[^}]*Suggest\"[^}]*} \\S+ #"
              + " \\{[^}]*trace_id=\"([0-9a-f]{32})\"");

  @TempDir private Path data = Path.of(".");

  @Test
  void itSuggestsRecordsSaysSoInItsLogsAndRefusesASecondMeshOnItsData()
      throws IOException, InterruptedException {
    try (BuiltMesh mesh =
        BuiltMesh.start(
            data,
            Map.of(
                "ballast.safety.drift.interval",
                "PT1S",
                "quarkus.log.console.json.enabled",
                "true"))) {
      assertNobodyElseReaches(mesh);
      SuggestResponse suggestion = TestCalls.suggest(mesh.channel(), "int size = list.");

      assertThat(suggestion.getText()).isNotEmpty();
      assertThat(suggestion.getReward().hasValue()).isTrue();
      assertThat(suggestion.getCost().hasHarmProbability()).isTrue();
      assertThat(suggestion.getDegradationsList()).isEmpty();

      TestCalls.accept(mesh.channel(), suggestion.getSuggestionId(), "once");
      assertThat(TestCalls.recorded(mesh.channel(), suggestion.getSuggestionId()).getEventsCount())
          .isEqualTo(1);

      JsonNode health = JSON.readTree(mesh.http("/q/health/ready"));
      assertThat(health.path("status").asText()).isEqualTo("UP");
      assertThat(health.at("/checks/0/data/database").asText()).isEqualTo("reachable");
      assertThat(health.at("/checks/0/data/peers").asText()).isEqualTo("connected");
      assertThat(mesh.http("/q/metrics"))
          .contains("ballast_server_calls_seconds_count{code=\"OK\"", "PolicyService/Suggest")
          .contains(
              Stream.of(Role.values())
                  .map(role -> "ballast_server_up{server=\"%s\"} 1.0".formatted(role.label()))
                  .toList());

      Await.until(() -> measured(mesh).contains("ballast_safety_gate_drift_alarms")); // first look
      assertThat(measured(mesh))
          .as("what alerts and dashboards read")
          .containsAll(
              MonitoredMetrics.named(
                  name ->
                      !MonitoredMetrics.isOfARun(name)
                          && !MonitoredMetrics.isOfAnOutbox(name)
                          && !MonitoredMetrics.isOfTls(name)));

      assertThat(hopsOnceThere(mesh, exemplar(mesh), List.of(SUGGEST)))
          .as("the trace that a histogram names is kept")
          .contains(SUGGEST, "policy.generate");

      assertThat(hopsOnceThere(mesh, trace(mesh), HOPS)).containsAll(HOPS);

      Path profile = data.resolve("profiles").resolve("second.jfr");
      assertThat(
              BuiltCommand.run(
                  data,
                  "profile",
                  "--data",
                  data.toString(),
                  "--seconds",
                  "1",
                  "--out",
                  profile.toString()))
          .contains("recording orchestrator, policy-server", "(process " + mesh.pid() + ")");
      assertThat(profile).isNotEmptyFile();
      Path flames = profile.resolveSibling("flames.html");
      assertThat(
              BuiltCommand.run(
                  data,
                  "profile",
                  "--flame=wall",
                  "--data",
                  data.toString(),
                  "--seconds",
                  "1",
                  "--out",
                  flames.toString()))
          .contains("a flame graph of wall");
      assertThat(flames).content().contains("<html", "Wall clock profile");

      BuiltMesh second =
          BuiltMesh.launch(data, BuiltMesh.freePort(), BuiltMesh.freePort(), Map.of());
      assertThat(second.awaitEnd()).isEqualTo(FAILED);
      assertThat(second.complaint())
          .contains("process " + mesh.pid(), "port " + mesh.port(), "--data FOLDER");
      assertThat(TestCalls.suggest(mesh.channel(), "return ").getSuggestionId()).isNotEmpty();

      sendMoreThanIsTaken(mesh);
      List<String> log = Files.readAllLines(data.resolve("logs/mesh.log"));
      assertThat(log).isNotEmpty();
      for (String line : log) {
        assertThat(JSON.readTree(line).path("loggerName").asText()).isNotEmpty();
        assertThat(line).doesNotContain("Exception processing message");
      }
      List<String> loggers = new ArrayList<>();
      for (String line : mesh.said().lines().filter(line -> line.matches("\\{.*}")).toList()) {
        JsonNode printed = JSON.readTree(line);
        assertThat(printed.path("mdc").isObject()).as(line).isTrue();
        loggers.add(printed.path("loggerName").asText());
      }
      assertThat(loggers).as("on standard output").contains(MeshProcess.class.getName());
    }
    assertThat(data.resolve("postgres/data/postmaster.pid")).doesNotExist();
  }

  @Test
  void aPortInUseIsNamedWithItsOption() throws IOException {
    try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      int port = taken.getLocalPort();

      BuiltMesh grpc = BuiltMesh.launch(data.resolve("a"), port, BuiltMesh.freePort(), Map.of());
      assertThat(grpc.awaitEnd()).isEqualTo(FAILED);
      assertThat(grpc.complaint()).contains("port " + port).endsWith("stop what listens there");
      assertThat(grpc.complaint()).contains("--port");

      BuiltMesh http = BuiltMesh.launch(data.resolve("b"), BuiltMesh.freePort(), port, Map.of());
      assertThat(http.awaitEnd()).isEqualTo(FAILED);
      assertThat(http.complaint()).contains("port " + port).endsWith("stop what listens there");
      assertThat(http.complaint()).contains("--http-port");
    }
  }

  @Test
  void aPropertyOutOfItsRangeIsNamedWithTheRange() {
    BuiltMesh mesh =
        BuiltMesh.launch(
            data,
            BuiltMesh.freePort(),
            BuiltMesh.freePort(),
            Map.of("ballast.telemetry.sampled-ratio", "1.5"));

    assertThat(mesh.awaitEnd()).isEqualTo(FAILED);
    assertThat(mesh.complaint())
        .isEqualTo("mesh: ballast.telemetry.sampled-ratio: 1.5 (allowed: 0 to 1)");
  }

  @Test
  void aPropertyThatNobodyKnowsIsNamed() {
    BuiltMesh mesh =
        BuiltMesh.launch(
            data,
            BuiltMesh.freePort(),
            BuiltMesh.freePort(),
            Map.of("ballast.policy.temprature", "0.5"));

    assertThat(mesh.awaitEnd()).isEqualTo(FAILED);
    assertThat(mesh.complaint()).contains("ballast.policy.temprature");
  }

  @Test
  void aDatabaseThatIsAwayIsNamedWithoutItsPassword() throws IOException {
    String url = "jdbc:postgresql://127.0.0.1:" + BuiltMesh.freePort() + "/mesh?password=s3cret";
    BuiltMesh mesh =
        BuiltMesh.launch(
            data,
            BuiltMesh.freePort(),
            BuiltMesh.freePort(),
            Map.of("ballast.database.url", url, "ballast.database.password", "als0s3cret"));

    assertThat(mesh.awaitEnd()).isEqualTo(FAILED);
    assertThat(mesh.complaint()).contains("PostgreSQL cannot be used", "ballast.database.url");
    assertThat(mesh.said()).doesNotContain("s3cret");
    assertThat(Files.readString(data.resolve("logs/mesh.log"))).doesNotContain("s3cret");
  }

  @Test
  void aStopLetsTheCallsUnderWayEnd() {
    BuiltMesh mesh = BuiltMesh.start(data, Map.of());
    Iterator<SuggestStreamResponse> answers =
        PolicyServiceGrpc.newBlockingStub(mesh.channel())
            .suggestStream(
                SuggestStreamRequest.newBuilder()
                    .setRequest(
                        TestCalls.suggestion("/** The values. */").toBuilder()
                            .setSampling(
                                SamplingOptions.newBuilder()
                                    .setMaxNewTokens(128)
                                    .addStopStrings("\u0001")))
                    .build());
    assertThat(answers.next().getTextDelta()).isNotEmpty();

    mesh.terminate();
    mesh.awaitSaid("mesh stopping: calls under way: 1, drain PT10S");

    SuggestStreamResponse last = SuggestStreamResponse.getDefaultInstance();
    while (answers.hasNext()) {
      last = answers.next();
    }
    assertThat(last.hasFinished()).isTrue();
    assertThat(last.getFinished().getSuggestionId()).isNotEmpty();
    assertThat(mesh.awaitEnd()).isIn(0, TERMINATED);
    assertThat(data.resolve("postgres/data/postmaster.pid")).doesNotExist();
    mesh.channel().shutdownNow();
  }

  @Test
  void aCallThatOutlastsTheDrainIsToldThatTheMeshShutsDown() {
    BuiltMesh mesh =
        BuiltMesh.start(data, Map.of("ballast.roles", "reward", "ballast.drain", "PT0.2S"));
    CompletableFuture<ScoreStreamResponse> first = new CompletableFuture<>();
    CompletableFuture<Throwable> end = new CompletableFuture<>();
    StreamObserver<ScoreStreamRequest> requests =
        RewardServiceGrpc.newStub(mesh.channel())
            .scoreStream(
                new StreamObserver<>() {
                  @Override
                  public void onNext(ScoreStreamResponse answer) {
                    first.complete(answer);
                  }

                  @Override
                  public void onError(Throwable error) {
                    first.completeExceptionally(error);
                    end.complete(error);
                  }

                  @Override
                  public void onCompleted() {
                    end.complete(new AssertionError("completed"));
                  }
                });
    requests.onNext(ScoreStreamRequest.getDefaultInstance()); // and never half-closes
    assertThat(first.orTimeout(60, TimeUnit.SECONDS).join()).isNotNull();

    mesh.terminate();

    assertThat(end.orTimeout(60, TimeUnit.SECONDS).join())
        .hasMessage(
            "UNAVAILABLE: the server is shutting down; what was not answered within PT0.2S is"
                + " ended");
    assertThat(mesh.awaitEnd()).isIn(0, TERMINATED);
    assertThat(data.resolve("logs/mesh.log")).content().containsOnlyOnce("they are ended");
    mesh.channel().shutdownNow();
  }

  /** Whoever is asked nothing has to be on this machine, and is told so. */
  private static void assertNobodyElseReaches(BuiltMesh mesh) throws IOException {
    assertThat(mesh.said())
        .contains("mesh starting: on 127.0.0.1, where nobody is asked who they are");
    for (int port : List.of(mesh.port(), mesh.httpPort())) {
      assertThat(listens("127.0.0.1", port)).as("on loopback").isTrue();
      // of this machine, too: who listens at all addresses answers there
      assertThat(listens("127.0.0.2", port)).as("at another address").isFalse();
    }
  }

  private static boolean listens(String host, int port) throws IOException {
    try (Socket socket = new Socket()) {
      socket.connect(new InetSocketAddress(host, port), MOST_MILLIS);
      return true;
    } catch (ConnectException e) {
      return false;
    }
  }

  /** A client's mistake, which belongs in no log of the server. */
  private static void sendMoreThanIsTaken(BuiltMesh mesh) {
    assertThatThrownBy(() -> TestCalls.suggest(mesh.channel(), "x".repeat(17 << 20)))
        .hasMessageStartingWith("RESOURCE_EXHAUSTED");
  }

  /**
   * The names of the series that have a number: those that come with a run or a Kafka are not
   * there, and of what is not a number no alert hears.
   */
  private static Set<String> measured(BuiltMesh mesh) {
    return mesh.http("/q/metrics")
        .lines()
        .filter(line -> !line.startsWith("#") && !line.endsWith(" NaN"))
        .map(line -> line.split("[{ ]", 2)[0])
        .collect(Collectors.toSet());
  }

  /** The trace that a bucket of suggestions names. */
  private static String exemplar(BuiltMesh mesh) {
    String metrics =
        mesh.http("/q/metrics", "application/openmetrics-text; version=1.0.0; charset=utf-8");
    Matcher exemplar = EXEMPLAR.matcher(metrics);
    assertThat(exemplar.find()).as("an exemplar of suggestions").isTrue();
    return exemplar.group(1);
  }

  /** The trace of one suggestion of the console, by a seed whose text the cost model lets pass. */
  private static String trace(BuiltMesh mesh) throws IOException {
    JsonNode answer =
        JSON.readTree(
            mesh.post(
                "/api/suggestions",
                "{\"prompt\": \"int size = list.\", \"seed\": 2, \"with_reward\": true, \"with_cost\": true}"));
    assertThat(answer.at("/suggestion/decision").asText()).isEqualTo("DECISION_SHOW");
    return answer.path("trace_id").asText();
  }

  /** The calls of a trace and their parts, of all servers, with {@code awaited} among them. */
  private static List<String> hopsOnceThere(BuiltMesh mesh, String trace, List<String> awaited)
      throws IOException {
    List<String> hops = hops(mesh, trace);
    for (int i = 0; i < MOST_LOOKS && !hops.containsAll(awaited); i++) {
      hops = hops(mesh, trace); // the last spans of a call end just after its answer
    }
    return hops;
  }

  private static List<String> hops(BuiltMesh mesh, String trace) throws IOException {
    List<String> hops = new ArrayList<>();
    for (JsonNode span : JSON.readTree(mesh.http("/api/traces/" + trace)).path("spans")) {
      if (!"CLIENT".equals(span.path("kind").asText())) {
        hops.add(span.path("name").asText());
      }
    }
    return hops;
  }
}
