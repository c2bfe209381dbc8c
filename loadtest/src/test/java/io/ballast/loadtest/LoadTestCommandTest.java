package io.ballast.loadtest;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.ballast.loadtest.openloop.Pacer;
import io.ballast.loadtest.openloop.SystemPacer;
import io.ballast.testing.TestAuthority;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@code loadtest} loads what it was told to, as much as it was told to, and says how it went. */
class LoadTestCommandTest {
  private static final List<String> SHORT =
      List.of(
          "--rate",
          "200",
          "--duration",
          "200ms",
          "--warm-up",
          "0s",
          "--arrivals",
          "EVEN",
          "--send-delay-p99",
          "10s",
          "--headroom",
          "1",
          "--calibration",
          "100ms");

  @TempDir private Path folder = Path.of("");

  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  private int run(List<String> more, String... arguments) {
    List<String> all = new ArrayList<>(List.of(arguments));
    all.addAll(more);
    return LoadTestCommand.commandLine()
        .setOut(new PrintWriter(out))
        .setErr(new PrintWriter(err))
        .execute(all.toArray(String[]::new));
  }

  @Test
  void suggestionsAreCountedByTheirDecision() throws IOException {
    try (FakeMesh mesh = new FakeMesh()) {
      Path json = folder.resolve("result.json");
      Path hgrm = folder.resolve("latency.hgrm");
      int code =
          run(
              SHORT,
              "suggest",
              "--target",
              mesh.address(),
              "--json",
              json.toString(),
              "--hgrm",
              hgrm.toString());

      assertThat(code).as(err.toString()).isZero();
      assertThat(mesh.suggested).hasSize(41); // the first call, then 40
      assertThat(mesh.suggested)
          .allMatch(request -> request.getMetadata().getTenant().equals("loadtest"));
      JsonNode result = new ObjectMapper().readTree(json.toFile());
      assertThat(result.path("answers").toString()).isEqualTo("{\"SHOW\":30,\"WITHHOLD\":10}");
      assertThat(result.path("planned_count").asInt()).isEqualTo(40);
      assertThat(result.path("latency_ms").path("count").asInt()).isEqualTo(40);
      assertThat(result.path("latency_ms").path("p99").asDouble()).isPositive();
      assertThat(Files.readString(hgrm)).contains("Percentile", "Total count");
      assertThat(out.toString())
          .contains("generator: manages ", "answers: SHOW 30, WITHHOLD 10", "service time");
    }
  }

  @Test
  void scoresAskForSoManyItems() {
    try (FakeMesh mesh = new FakeMesh()) {
      int code = run(SHORT, "score", "--target", mesh.address(), "--items", "3", "--json", "-");

      assertThat(code).as(err.toString()).isZero();
      assertThat(mesh.scored).hasSize(41).allMatch(request -> request.getItemsCount() == 3);
      assertThat(out.toString()).startsWith("{").contains("\"VALUE\" : 40");
    }
  }

  @Test
  void aGeneratorThatCannotKeepUpSendsNothing() throws IOException {
    Path json = folder.resolve("result.json");
    try (FakeMesh mesh = new FakeMesh()) {
      int code =
          run(
              List.of("--rate", "50000", "--items", "512", "--calibration", "100ms"),
              "score",
              "--target",
              mesh.address(),
              "--json",
              json.toString());

      assertThat(code).isEqualTo(5);
      assertThat(mesh.scored).as("the first call").hasSize(1);
      assertThat(out.toString())
          .contains("50,000 × 1.5 are needed", "INVALID: nothing can be said of the mesh");
      JsonNode result = new ObjectMapper().readTree(json.toFile());
      assertThat(result.path("generator").path("valid").asBoolean(true)).isFalse();
      assertThat(result.has("latency_ms")).isFalse();
    }
  }

  @Test
  void aLoadWhoseCallsWereSentLateIsNotReported() {
    SystemPacer clock = new SystemPacer();
    Pacer late =
        new Pacer() {
          @Override
          public long nanoTime() {
            return clock.nanoTime();
          }

          @Override
          public void sleepUntil(long nanos) {
            clock.sleepUntil(nanos + 5_000_000);
          }
        };
    try (FakeMesh mesh = new FakeMesh()) {
      List<String> options = new ArrayList<>(List.of("suggest", "--target", mesh.address()));
      options.addAll(SHORT);
      options.set(options.indexOf("10s"), "1ms");
      int code =
          LoadTestCommand.commandLine(late, Map.of())
              .setOut(new PrintWriter(out))
              .setErr(new PrintWriter(err))
              .execute(options.toArray(String[]::new));

      assertThat(code).as(err.toString()).isEqualTo(5);
      assertThat(out.toString())
          .contains("calls were sent late: p99 ", "INVALID: nothing can be said of the mesh")
          .doesNotContain("latency");
    }
  }

  @Test
  void whatOneLoadHasScoredNoOtherAsksAbout() {
    try (FakeMesh mesh = new FakeMesh()) {
      assertThat(run(SHORT, "score", "--target", mesh.address())).isZero();
      assertThat(run(SHORT, "score", "--target", mesh.address())).isZero();

      assertThat(mesh.scored)
          .hasSize(82)
          .extracting(request -> request.getItems(0).getPrompt().getText())
          .doesNotHaveDuplicates();
    }
  }

  @Test
  void callsThatAreNotAnsweredFailTheLoad() throws IOException {
    Path prompts = Files.writeString(folder.resolve("prompts"), "int a =\nint fail =\n");
    try (FakeMesh mesh = new FakeMesh()) {
      List<String> options = new ArrayList<>(SHORT);
      options.addAll(List.of("--target", mesh.address(), "--prompts", prompts.toString()));

      assertThat(run(options, "suggest")).isEqualTo(1);
      assertThat(out.toString())
          .contains("failures: INTERNAL 20")
          .contains("50.00 % of the planned calls were not answered as asked");
      assertThat(run(options, "suggest", "--max-missed", "50")).isZero();
      assertThat(run(options, "score")).isEqualTo(1);
      assertThat(out.toString()).contains("failures: TOO_LONG 20");
    }
  }

  @Test
  void aGuardedMeshIsShownTheToken() {
    try (FakeMesh mesh = new FakeMesh()) {
      List<String> options = new ArrayList<>(List.of("suggest", "--target", mesh.address()));
      options.addAll(SHORT);
      int code =
          LoadTestCommand.commandLine(new SystemPacer(), Map.of("BALLAST_TOKEN", "open-sesame"))
              .setOut(new PrintWriter(out))
              .execute(options.toArray(String[]::new));
      assertThat(code).isZero();
      assertThat(mesh.authorizations).hasSize(41).containsOnly("Bearer open-sesame");
    }
  }

  @Test
  void aMeshThatEncryptsAndAsksForACertificateIsLoaded() {
    TestAuthority authority = new TestAuthority("authority");
    Path trusted = authority.write(folder.resolve("ca.pem"));
    authority.issue("mesh", "ip:127.0.0.1").write(folder.resolve("m.pem"), folder.resolve("m.key"));
    authority.issue("load").write(folder.resolve("l.pem"), folder.resolve("l.key"));
    Map<String, String> anybody = Map.of("BALLAST_TLS_CA", trusted.toString());
    Map<String, String> known =
        Map.of(
            "BALLAST_TLS_CA", trusted.toString(),
            "BALLAST_CLIENT_CERTIFICATE", folder.resolve("l.pem").toString(),
            "BALLAST_CLIENT_KEY", folder.resolve("l.key").toString());
    try (FakeMesh mesh =
        FakeMesh.encrypted(folder.resolve("m.pem"), folder.resolve("m.key"), trusted)) {
      List<String> options = new ArrayList<>(List.of("score", "--target", mesh.address()));
      options.addAll(SHORT);

      assertThat(runWith(Map.of(), options)).as("without TLS").isEqualTo(3);
      assertThat(runWith(anybody, options)).as("without a certificate").isEqualTo(3);
      assertThat(mesh.scored).isEmpty();
      assertThat(runWith(known, options)).as(err.toString()).isZero();
      assertThat(mesh.scored).hasSize(41);
    }
  }

  private int runWith(Map<String, String> environment, List<String> arguments) {
    return LoadTestCommand.commandLine(new SystemPacer(), environment)
        .setOut(new PrintWriter(out))
        .setErr(new PrintWriter(err))
        .execute(arguments.toArray(String[]::new));
  }

  @Test
  void aVariableOfTlsThatCannotBeUsedIsNamed() {
    assertThat(runWith(Map.of("BALLAST_TLS_CA", "/no/such/authorities.pem"), List.of("suggest")))
        .isEqualTo(2);
    assertThat(err.toString()).startsWith("BALLAST_TLS_CA").contains("/no/such/authorities.pem");
  }

  @Test
  void aLimitOnThePercentileHoldsOrFails() {
    try (FakeMesh mesh = new FakeMesh()) {
      List<String> options = new ArrayList<>(SHORT);
      options.addAll(List.of("--target", mesh.address()));

      assertThat(run(options, "suggest", "--max-p99", "1m")).isZero();
      assertThat(run(options, "suggest", "--max-p99", "PT0.000000001S")).isEqualTo(1);
      assertThat(out.toString()).contains("(--max-p99 PT0.000000001S)");
    }
  }

  @Test
  void aMeshThatIsNotThereIsNamedWithTheMend() throws IOException {
    String address;
    try (FakeMesh mesh = new FakeMesh()) {
      address = mesh.address();
    }
    assertThat(run(SHORT, "suggest", "--target", address)).isEqualTo(3);
    assertThat(err.toString())
        .isEqualToIgnoringNewLines(
            "nothing answers at "
                + address
                + "; start a mesh with ./mesh up or name another with --target");
  }

  @Test
  void aMeshThatRefusesTheFirstCallIsNotLoaded() throws IOException {
    Path prompts = Files.writeString(folder.resolve("prompts"), "fail\n");
    try (FakeMesh mesh = new FakeMesh()) {
      int code = run(SHORT, "suggest", "--target", mesh.address(), "--prompts", prompts.toString());
      assertThat(code).isEqualTo(1);
      assertThat(mesh.suggested).hasSize(1);
      assertThat(err.toString()).contains("the first call failed with INTERNAL");
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      value = {
        "train                                  | Unmatched argument at index 0: 'train'",
        "suggest --rate 0                       | --rate: 0.0 (allowed: 0.1 to 50,000 calls a"
            + " second)",
        "suggest --duration 25h                 | --duration: 1500m (allowed: 100ms to 1440m)",
        "suggest --duration soon                | 'soon' is not a duration",
        "suggest --max-in-flight 0              | --max-in-flight: 0 (allowed: 1 to 10,000)",
        "suggest --max-calls 0                  | --max-calls: 0 (allowed: 1 to 10,000,000)",
        "suggest --max-missed 101               | --max-missed: 101.0 (allowed: 0 to 100)",
        "suggest --target 192.0.2.1:9100        | --target: 192.0.2.1:9100 is another machine; say"
            + " --allow-remote",
        "suggest --target localhost             | --target: 'localhost' is no address",
        "suggest --target localhost:99999       | --target: port: 99999 (allowed: 1 to 65,535)",
        "suggest --target no-such-host.invalid:1 | --target: no host 'no-such-host.invalid' is"
            + " known",
        "score --send-delay-p99 0s              | --send-delay-p99: 0s (allowed: 1ms to 10s)",
        "score --headroom 0.5                   | --headroom: 0.5 (allowed: 1 to 10)",
        "score --calibration 1m                 | --calibration: 1m (allowed: 100ms to 30s)",
        "score --items 5000                     | --items: 5000 (allowed: 1 to 4,096)",
        "suggest --prompts /no/such/file        | --prompts: cannot read /no/such/file",
        "suggest --arrivals SOMETIMES           | expected one of [POISSON, EVEN]",
      })
  void aWrongOptionIsRefusedBeforeAnythingIsSent(String arguments, String message) {
    assertThat(run(List.of(), arguments.strip().split("\\s+"))).isEqualTo(2);
    assertThat(err.toString()).contains(message);
  }
}
