package io.ballast.standalone.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.ballast.kit.build.CodeVersion;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.kit.grpc.StatusMapper;
import io.ballast.testing.TestAuthority;
import io.grpc.Status;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** doctor mesh says of each server what is not as it should be, and how to mend it. */
class DoctorMeshCommandTest {
  private static final CodeVersion BUILD = CodeVersion.built();

  private static final String WELL =
      """
      # TYPE ballast_peer_breaker_state gauge
      ballast_peer_breaker_state{peer="reward-server"} 0.0
      ballast_database_up 1.0
      ballast_database_unsafe{setting="fsync"} 0.0
      ballast_database_unsafe{setting="synchronous_commit"} 0.0
      ballast_disk_free_bytes{folder="data"} 2.0E11
      ballast_disk_free_bytes{folder="models"} 4.0E11
      hikaricp_connections_pending{pool="policy"} 0.0
      ballast_safety_canary_unwatched 0.0
      ballast_reward_waiting_tokens 12.0
      ballast_server_calls_seconds_count{code="OK",method="m"} 90.0
      """;

  @TempDir private Path folder;
  private final FakeMesh mesh = new FakeMesh();
  private final List<Http> servers = new ArrayList<>();

  @AfterEach
  void stop() {
    servers.forEach(Http::close);
    mesh.close();
  }

  /** Health and metrics of a process. */
  private static final class Http implements AutoCloseable {
    private final HttpServer server;
    volatile String status = "UP";
    volatile String data = "\"peers\": \"connected\", \"database\": \"reachable\"";
    volatile String metrics = WELL + build(BUILD.commit().orElse("unknown"));
    volatile int metricsStatus = 200;
    volatile Duration ahead = Duration.ZERO;

    Http() {
      try {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
      server.createContext("/q/health/ready", exchange -> answer(exchange, 200, health()));
      server.createContext("/q/metrics", exchange -> answer(exchange, metricsStatus, metrics));
      server.start();
    }

    private String health() {
      return """
      {"status": "%s", "checks": [{"name": "mesh", "status": "%s", "data":
        {"servers": "all", "time": "%s", %s}}]}\
      """
          .formatted(status, status, InstantSource.system().instant().plus(ahead), data);
    }

    private static void answer(HttpExchange exchange, int code, String text) throws IOException {
      byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
      exchange.sendResponseHeaders(code, bytes.length);
      try (OutputStream body = exchange.getResponseBody()) {
        body.write(bytes);
      }
    }

    int port() {
      return server.getAddress().getPort();
    }

    @Override
    public void close() {
      server.stop(0);
    }
  }

  private static String build(String commit) {
    return "ballast_build_info{commit=\"%s\",release=\"%s\"} 1.0\n"
        .formatted(commit, BUILD.release());
  }

  private Http http() {
    Http http = new Http();
    servers.add(http);
    return http;
  }

  private Cli.Result run(Http http) {
    return Cli.run(
        mesh, "doctor", "mesh", "--json", "--no-parity", "--http-port", "" + http.port());
  }

  /** What was found, by its subject. */
  private static List<JsonNode> findings(Cli.Result result, String subject) {
    List<JsonNode> found = new ArrayList<>();
    for (JsonNode finding : result.json().path("findings")) {
      if (finding.path("subject").asText().equals(subject)) {
        found.add(finding);
      }
    }
    return found;
  }

  private static void assertFound(
      Cli.Result result, String subject, String health, String... words) {
    assertThat(findings(result, subject))
        .as(result.out())
        .anySatisfy(
            finding -> {
              assertThat(finding.path("health").asText()).isEqualTo(health);
              assertThat(finding.path("detail").asText()).contains(words);
              assertThat(finding.path("mend").asText().isEmpty()).isEqualTo(health.equals("GOOD"));
            });
  }

  @Test
  void whereAllIsWellEachThingIsSaidToBe() {
    Cli.Result result = run(http());

    assertThat(result.exit()).as(result.out()).isZero();
    for (String server :
        List.of("policy-server", "reward-server", "safety-server", "orchestrator")) {
      assertFound(result, server, "GOOD", "serves at " + mesh.address());
    }
    assertFound(result, "health", "GOOD", "mesh: ready");
    assertFound(result, "code", "GOOD", BUILD.release());
    assertFound(result, "clocks", "GOOD", "of this machine");
    assertFound(result, "database", "GOOD", "answers");
    assertFound(result, "disk", "GOOD", "186.3 GiB free for its data");
    assertFound(result, "disk", "GOOD", "372.5 GiB free for its models");
    assertFound(result, "breakers", "GOOD", "all closed");
    assertFound(result, "queues", "GOOD", "12 tokens to judge");
    assertThat(findings(result, "certificate")).as("nobody speaks TLS").isEmpty();
  }

  @ParameterizedTest
  @CsvSource({
    "P90D, GOOD",
    "P14DT1H, GOOD",
    "P13DT23H, WEAK",
    "P2DT1H, WEAK",
    "P1DT23H, BROKEN",
    "PT1H, BROKEN"
  })
  void whenACertificateEndsIsSaidAndWhetherItIsToRenew(Duration left, String health) {
    Instant end = fromNow(left);
    try (FakeMesh encrypted = encryptedUntil(end)) {
      Cli.Result result = runEncrypted(encrypted, "--http-port", "" + http().port());

      assertThat(result.exit()).as(result.out()).isEqualTo(health.equals("BROKEN") ? 1 : 0);
      assertFound(result, "policy-server", "GOOD", "serves at");
      assertFound(result, "certificate", health, "mesh: CN=mesh.test, until " + end);
      assertThat(findings(result, "certificate")).hasSize(1);
    }
  }

  @Test
  void ofACertificateThatHasExpiredThatIsSaidThoughNobodyIsAnswered() {
    Instant end = fromNow(Duration.ofHours(-1));
    int http = http().port();
    try (FakeMesh encrypted = encryptedUntil(end)) {
      String address = encrypted.address();
      List<Cli.Result> results =
          List.of(
              runEncrypted(encrypted, "--http-port", "" + http),
              runEncrypted(encrypted, "--server", "policy-server=" + address + ":" + http));
      for (Cli.Result result : results) {
        assertThat(result.exit()).as(result.out()).isEqualTo(1);
        assertFound(result, "policy-server", "BROKEN", "does not answer at " + address);
        assertFound(result, "certificate", "BROKEN", "CN=mesh.test, until " + end);
        assertThat(findings(result, "certificate").getFirst().path("mend").asText())
            .startsWith("renew it");
      }
    }
  }

  private static Instant fromNow(Duration left) {
    return InstantSource.system().instant().plus(left).truncatedTo(ChronoUnit.SECONDS);
  }

  private Path authorities() {
    return folder.resolve("authorities.pem");
  }

  /** A mesh whose certificate ends then; {@link #authorities} vouch for it. */
  private FakeMesh encryptedUntil(Instant end) {
    TestAuthority authority = new TestAuthority("authority");
    authority.write(authorities());
    Path certificate = folder.resolve("certificate.pem");
    Path key = folder.resolve("key.pem");
    authority.issueUntil(end, "mesh.test", "ip:127.0.0.1").write(certificate, key);
    return FakeMesh.encrypted(certificate, key);
  }

  private Cli.Result runEncrypted(FakeMesh encrypted, String option, String place) {
    return Cli.run(
        encrypted,
        "doctor",
        "mesh",
        "--json",
        "--no-parity",
        "--tls-ca",
        authorities().toString(),
        option,
        place);
  }

  @Test
  void aDatabaseThatMayLoseWhatWasAcknowledgedIsNamed() {
    Http http = http();
    http.metrics =
        WELL.replace("commit\"} 0.0", "commit\"} 1.0") + build(BUILD.commit().orElse("unknown"));

    Cli.Result result = run(http);

    assertThat(result.exit()).as(result.out()).isZero();
    assertFound(result, "database", "WEAK", "PostgreSQL has synchronous_commit = off");
    assertThat(result.out()).doesNotContain("fsync");
  }

  @Test
  void whatTheServersMeasureIsNamedWithItsMend() {
    Http http = http();
    http.metrics =
        WELL.replace("reward-server\"} 0.0", "reward-server\"} 2.0")
                .replace("ballast_database_up 1.0", "ballast_database_up 0.0")
                .replace("2.0E11", "5.0E8")
                .replace("unwatched 0.0", "unwatched 1.0")
            + "ballast_server_calls_seconds_count{code=\"RESOURCE_EXHAUSTED\",method=\"m\"} 10.0\n"
            + build(BUILD.commit().orElse("unknown"));

    Cli.Result result = run(http);

    assertThat(result.exit()).isEqualTo(1);
    assertFound(result, "breakers", "BROKEN", "open to reward-server");
    assertFound(result, "database", "BROKEN", "PostgreSQL does not answer");
    assertFound(result, "disk", "BROKEN", "0.5 GiB free for its data");
    assertFound(result, "disk", "GOOD", "372.5 GiB free for its models");
    assertFound(result, "canaries", "BROKEN", "a canary serves");
    assertFound(result, "queues", "WEAK", "of its 100 calls 10 were refused");
  }

  @Test
  void whatWaitsOnDiskForADatabaseIsSaid() {
    Http http = http();
    http.metrics += "ballast_policy_spool_waiting 3.0\nballast_policy_spool_oldest_seconds 90.0\n";

    assertFound(
        run(http), "spool", "WEAK", "3 decisions and events wait for the database, the first for");
  }

  @Test
  void damagedFilesOfASpoolAreSaidWithTheMend() {
    Http http = http();
    http.metrics += "ballast_policy_spool_damaged 2.0\n";

    assertFound(run(http), "spool", "WEAK", "2 damaged files");
  }

  @Test
  void ofWhatIsNotMeasuredNothingIsSaid() {
    Http http = http();
    http.metrics = build(BUILD.commit().orElse("unknown"));

    Cli.Result result = run(http);

    for (String subject : List.of("breakers", "queues", "database", "disk", "spool")) {
      assertThat(findings(result, subject)).as(subject).isEmpty();
    }
    http.metricsStatus = 404;
    assertFound(run(http), "health", "WEAK", "no health and metrics at");
  }

  @Test
  void whatAServerSaysOfItselfIsPassedOn() {
    Http http = http();
    http.data = "\"peers\": \"not connected: safety-server\", \"alias serving\": \"changed\"";
    assertFound(
        run(http),
        "health",
        "WEAK",
        "peers not connected: safety-server",
        "alias serving: changed");

    http.status = "DOWN";
    http.data = "\"database\": \"does not answer\"";
    Cli.Result down = run(http);
    assertThat(down.exit()).isEqualTo(1);
    assertFound(down, "health", "BROKEN", "database does not answer");
  }

  @Test
  void aMeshWhoseClockIsOffIsLookedAtAndServersThatDisagreeAreToMend() {
    Http here = http();
    here.ahead = Duration.ofSeconds(-90);
    assertFound(run(here), "clocks", "WEAK", "behind this machine");

    try (FakeMesh other = new FakeMesh()) {
      Cli.Result result = both(here, http(), other);
      assertThat(result.exit()).isEqualTo(1);
      assertFound(result, "clocks", "BROKEN", "reward-server is 1 min", "ahead of policy-server");
    }
  }

  @Test
  void serversOfDifferentCodeAreToMend() {
    Http other = http();
    other.metrics = WELL + build("another");
    assertFound(run(other), "code", "WEAK", "commit another; this command: ");

    try (FakeMesh second = new FakeMesh()) {
      Cli.Result result = both(http(), other, second);
      assertThat(result.exit()).isEqualTo(1);
      assertFound(result, "code", "BROKEN", "reward-server: ", "commit another", "policy-server: ");
    }
  }

  /** A policy-server and a reward-server in processes of their own. */
  private Cli.Result both(Http policy, Http reward, FakeMesh second) {
    return Cli.run(
        mesh,
        "doctor",
        "mesh",
        "--json",
        "--no-parity",
        "--server",
        "policy-server=" + mesh.address() + ":" + policy.port(),
        "--server",
        "reward-server=" + second.address() + ":" + reward.port());
  }

  @ParameterizedTest
  @CsvSource({"UNAUTHENTICATED, show a token", "INTERNAL, its log says more"})
  void whoIsNotToldOfModelsIsToldThat(Status.Code code, String mend) {
    assertFound(run(http()), "models", "GOOD", "1 versions known");
    mesh.failure = code.toStatus();

    Cli.Result result = run(http());

    assertFound(result, "policy-server", "GOOD", "serves at");
    assertFound(result, "models", "WEAK", "does not tell which it knows: " + code);
    assertThat(findings(result, "models"))
        .allSatisfy(finding -> assertThat(finding.path("mend").asText()).startsWith(mend));
  }

  @Test
  void aServerThatIsAwayIsNamedAndTheOthersAreLookedAt() throws IOException {
    Http http = http();
    int nobody = nobody();
    Cli.Result result =
        Cli.run(
            mesh,
            "doctor",
            "mesh",
            "--json",
            "--no-parity",
            "--server",
            "policy-server=" + mesh.address() + ":" + http.port(),
            "--server",
            "safety-server=127.0.0.1:" + nobody + ":" + nobody);

    assertThat(result.exit()).isEqualTo(1);
    assertFound(result, "policy-server", "GOOD", "serves at");
    assertFound(
        result, "safety-server", "BROKEN", "does not answer at 127.0.0.1:" + nobody, "UNAVAILABLE");
    assertFound(result, "health", "WEAK", "safety-server: no health and metrics at");
    assertFound(result, "database", "GOOD", "answers");
  }

  @Test
  void whereNobodyAnswersThereIsNoMesh() throws IOException {
    Cli.Result result =
        Cli.run(Path.of("."), Map.of("BALLAST_TARGET", "127.0.0.1:" + nobody()), "doctor", "mesh");

    assertThat(result.exit()).isEqualTo(3);
    assertThat(result.err()).contains("no mesh answers at");
  }

  @Test
  void aPlaceThatIsNoneIsRefused() {
    for (String place : List.of("reward-server=here:9100", "judge=here:9100:9180", "here")) {
      Cli.Result result = Cli.run(mesh, "doctor", "mesh", "--server", place);
      assertThat(result.exit()).isEqualTo(2);
      assertThat(result.err()).contains("--server: " + place, "expected: ROLE=HOST:PORT:HTTPPORT");
    }
  }

  /** Looks at all that there is, rewards too. */
  private Cli.Result prove(FakeMesh scoring, String... more) {
    return Cli.run(
        scoring,
        Stream.concat(
                Stream.of("doctor", "mesh", "--http-port", "" + http().port()), Stream.of(more))
            .toArray(String[]::new));
  }

  @Test
  void aRewardThatScoresAsItWasPublishedIsSaidToDoSo() {
    try (FakeMesh scoring = new FakeMesh(new FakeEnsemble(null))) {
      Cli.Result result = prove(scoring, "--json");

      assertThat(result.exit()).as(result.out()).isZero();
      assertFound(
          result, "parity", "GOOD", scoring.address() + ": the reward scores as it was published");
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "AN_ITEM_IS_NOT_ANSWERED | ensemble: INTERNAL: 30 items asked for, 29 results given",
        "OTHER_WEIGHTS | golden scores: items[0], member 0: 2.0 (published: 2.1 ± 0.001)",
        "ZERO_FOR_WHAT_FAILED | failures: empty: reward 0.0 (expected: a failure, INVALID_INPUT)"
      })
  void aRewardThatLiesIsToMend(FakeEnsemble.Lie lie, String found) {
    try (FakeMesh lying = new FakeMesh(new FakeEnsemble(lie))) {
      Cli.Result result = prove(lying);

      assertThat(result.exit()).as(result.out()).isEqualTo(1);
      assertThat(result.out())
          .contains("MEND  parity        " + lying.address() + ": " + found + "\n", "To mend: 1");
      assertFound(prove(lying, "--json"), "parity", "BROKEN", found);
    }
  }

  @Test
  void aLieIsToldBeforeWhatIsMerelyUnproved() {
    FakeEnsemble rewards = new FakeEnsemble(FakeEnsemble.Lie.UNSCALED);
    rewards.golden = false;
    try (FakeMesh scoring = new FakeMesh(rewards)) {
      assertFound(prove(scoring, "--json"), "parity", "BROKEN", ": normalisation: probe-0, ");
    }
  }

  @Test
  void aRewardThatKeptNoScoresIsNotSaidToGiveThem() {
    FakeEnsemble rewards = new FakeEnsemble(null);
    rewards.golden = false;
    try (FakeMesh scoring = new FakeMesh(rewards)) {
      Cli.Result result = prove(scoring);

      assertThat(result.exit()).as(result.out()).isZero();
      assertThat(result.out())
          .contains(
              "look  parity        "
                  + scoring.address()
                  + ": golden scores: taste/3: the server tells none\n",
              "→ nothing shows here that it scores as it was published",
              "It serves; 1 to look at");
    }
  }

  @Test
  void aRewardThatIsNotThereYetIsToldAndNotToMend() {
    FakeEnsemble rewards = new FakeEnsemble(null);
    rewards.failure =
        new StatusMapper("reward-server")
            .judge(new MeshException(Fault.MODEL_LOADING, "taste is loading"))
            .answer();
    try (FakeMesh loading = new FakeMesh(rewards)) {
      Cli.Result result = prove(loading);

      assertThat(result.exit()).as(result.out()).isZero();
      assertThat(result.out())
          .contains(
              "look  parity        "
                  + loading.address()
                  + ": taste is loading; try again in a moment\n",
              "→ ./mesh doctor reward --target "
                  + loading.address()
                  + " says more; --no-parity leaves it out\n",
              "It serves; 1 to look at");
    }
  }

  @Test
  void aServerThatHasGoneBeforeItsRewardIsAskedIsNotTakenForNoMesh() {
    mesh.failure = Status.UNAVAILABLE;

    Cli.Result result = prove(mesh, "--json");

    assertThat(result.exit()).as(result.out()).isZero();
    assertFound(result, "parity", "WEAK", "does not answer at " + mesh.address() + ": UNAVAILABLE");
    assertThat(result.out()).doesNotContain("./mesh up");
  }

  private static int nobody() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }
}
