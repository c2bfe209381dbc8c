package io.ballast.standalone.cli;

import static io.ballast.standalone.cli.DoctorFindings.assertFound;
import static io.ballast.standalone.cli.DoctorFindings.findings;
import static io.ballast.standalone.cli.FakeHttp.BUILD;
import static io.ballast.standalone.cli.FakeHttp.WELL;
import static io.ballast.standalone.cli.FakeHttp.build;
import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.Status;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** doctor mesh says of each server what is not as it should be, and how to mend it. */
class DoctorMeshCommandTest {
  private final FakeMesh mesh = new FakeMesh();
  private final List<FakeHttp> servers = new ArrayList<>();

  @AfterEach
  void stop() {
    servers.forEach(FakeHttp::close);
    mesh.close();
  }

  private FakeHttp http() {
    FakeHttp http = new FakeHttp();
    servers.add(http);
    return http;
  }

  private Cli.Result run(FakeHttp http) {
    return Cli.run(
        mesh, "doctor", "mesh", "--json", "--no-parity", "--http-port", "" + http.port());
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

  @Test
  void aDatabaseThatMayLoseWhatWasAcknowledgedIsNamed() {
    FakeHttp http = http();
    http.metrics =
        WELL.replace("commit\"} 0.0", "commit\"} 1.0") + build(BUILD.commit().orElse("unknown"));

    Cli.Result result = run(http);

    assertThat(result.exit()).as(result.out()).isZero();
    assertFound(result, "database", "WEAK", "PostgreSQL has synchronous_commit = off");
    assertThat(result.out()).doesNotContain("fsync");
  }

  @Test
  void whatTheServersMeasureIsNamedWithItsMend() {
    FakeHttp http = http();
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
    FakeHttp http = http();
    http.metrics += "ballast_policy_spool_waiting 3.0\nballast_policy_spool_oldest_seconds 90.0\n";

    assertFound(
        run(http), "spool", "WEAK", "3 decisions and events wait for the database, the first for");
  }

  @Test
  void damagedFilesOfASpoolAreSaidWithTheMend() {
    FakeHttp http = http();
    http.metrics += "ballast_policy_spool_damaged 2.0\n";

    assertFound(run(http), "spool", "WEAK", "2 damaged files");
  }

  @Test
  void ofWhatIsNotMeasuredNothingIsSaid() {
    FakeHttp http = http();
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
    FakeHttp http = http();
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
    FakeHttp here = http();
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
    FakeHttp other = http();
    other.metrics = WELL + build("another");
    assertFound(run(other), "code", "WEAK", "commit another; this command: ");

    try (FakeMesh second = new FakeMesh()) {
      Cli.Result result = both(http(), other, second);
      assertThat(result.exit()).isEqualTo(1);
      assertFound(result, "code", "BROKEN", "reward-server: ", "commit another", "policy-server: ");
    }
  }

  /** A policy-server and a reward-server in processes of their own. */
  private Cli.Result both(FakeHttp policy, FakeHttp reward, FakeMesh second) {
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
    FakeHttp http = http();
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

  private static int nobody() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }
}
