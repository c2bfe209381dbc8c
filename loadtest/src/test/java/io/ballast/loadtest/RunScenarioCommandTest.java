package io.ballast.loadtest;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.ballast.mesh.v1.Priority;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code loadtest run} sends what its file says and judges what comes back. */
class RunScenarioCommandTest {
  private static final String PHASES =
      """
      name: small
      arrivals: EVEN
      phases:
        - {name: warm-up, rate: 100, duration: 100ms, measured: false}
        - {name: hold, rate: 160, duration: 500ms}
      generator: {send_delay_p99: 10s, headroom: 1, calibration: 100ms}
      """;

  @TempDir private Path folder = Path.of("");

  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  private int run(String... arguments) {
    return LoadTestCommand.commandLine()
        .setOut(new PrintWriter(out))
        .setErr(new PrintWriter(err))
        .execute(arguments);
  }

  private String scenario(String more) throws IOException {
    return Files.writeString(folder.resolve("small.yaml"), PHASES + more).toString();
  }

  @Test
  void aMixOfEverythingIsSentAndKept() throws IOException {
    String file =
        scenario(
            """
            mix:
              - {call: SUGGEST, tenant: one}
              - {call: SUGGEST_STREAM, name: slow, read_every: 1ms}
              - {call: SCORE, items: 3, priority: TRAINER}
              - {call: FEEDBACK, tenant: one}
            slos: [{error_budget: 0}, {of: slow, p99: 1m}]
            checks: {feedback_kept: true}
            faults: [{name: shout, at: 200ms, run: echo it happened}]
            """);
    Path json = folder.resolve("result.json");
    Path html = folder.resolve("result.html");
    try (FakeMesh mesh = new FakeMesh()) {
      int code =
          run(
              "run",
              file,
              "--target",
              mesh.address(),
              "--json",
              json.toString(),
              "--html",
              html.toString());

      assertThat(code).as(out + "\n" + err).isZero();
      JsonNode result = new ObjectMapper().readTree(json.toFile());
      assertThat(result.path("verdict").asText()).isEqualTo("PASS");
      assertThat(result.path("generator").path("ceiling_per_second").asDouble()).isGreaterThan(100);
      JsonNode figures = result.path("figures");
      assertThat(figures.path("total").path("planned_count").asInt()).isEqualTo(80);
      assertThat(figures.path("total").path("answered_count").asInt()).isEqualTo(80);
      assertThat(figures.path("phases").get(0).path("planned_count").asInt()).isEqualTo(10);
      assertThat(figures.path("steps")).hasSize(4);
      int events = figures.path("steps").get(3).path("answers").path("KEPT").asInt();
      assertThat(events).isPositive().isLessThanOrEqualTo(mesh.reported.size());
      assertThat(mesh.scored)
          .allMatch(request -> request.getItemsCount() == 3)
          .allMatch(request -> request.getMetadata().getPriority() == Priority.PRIORITY_TRAINER);
      assertThat(mesh.reported.stream().map(each -> each.getMetadata().getIdempotencyKey()))
          .doesNotHaveDuplicates();
      assertThat(result.path("checks").findValuesAsText("check"))
          .contains("each of %d acknowledged events is kept once".formatted(mesh.reported.size()));
      assertThat(result.path("faults").get(0).path("output").asText()).isEqualTo("it happened");
      assertThat(Files.readString(html)).contains("small: PASS", "<svg", "echo it happened");
      assertThat(out.toString()).contains("planned 80   answered 80", "PASS");
    }
  }

  @Test
  void anEventThatWasAcknowledgedAndForgottenFailsTheLoad() throws IOException {
    String file = scenario("mix: [{call: FEEDBACK}]\nchecks: {feedback_kept: true}\n");
    try (FakeMesh mesh = new FakeMesh()) {
      mesh.forgotten = 1;
      assertThat(run("run", file, "--target", mesh.address())).isEqualTo(1);
      assertThat(out.toString())
          .contains("MISS each of 91 acknowledged events is kept once: 1 lost or doubled");
    }
  }

  @Test
  void anEventThatIsThereAgainUnderAnotherIdFailsTheLoad() throws IOException {
    String file = scenario("mix: [{call: FEEDBACK}]\nchecks: {feedback_kept: true}\n");
    try (FakeMesh mesh = new FakeMesh()) {
      mesh.doubled = 2;
      assertThat(run("run", file, "--target", mesh.address())).isEqualTo(1);
      assertThat(out.toString())
          .contains("MISS each of 91 acknowledged events is kept once: 2 lost or doubled");
    }
  }

  @Test
  void anAnswerThatChangesUnderLoadFailsIt() throws IOException {
    String file =
        scenario(
            "mix: [{call: SCORE, probe: true, probe_tolerance: 0.01}]\n"
                + "faults: [{at: 10ms, run: 'true'}]\n");
    try (FakeMesh mesh = new FakeMesh()) {
      assertThat(run("run", file, "--target", mesh.address())).isZero();
      assertThat(mesh.scored).allMatch(request -> request.getBypassCache());

      int before = mesh.scored.size();
      Thread.ofVirtual()
          .start(
              () -> {
                while (mesh.scored.size() < before + 20) {
                  Thread.onSpinWait();
                }
                mesh.score = 1.05;
              });
      assertThat(run("run", file, "--target", mesh.address())).isEqualTo(1);
      assertThat(out.toString()).contains("PROBE_CHANGED", "MISS no answer is wrong");
    }
  }

  @Test
  void anSloThatIsMissedFailsTheLoad() throws IOException {
    String file =
        scenario("mix: [{call: SUGGEST}]\nprompts: prompts\nslos: [{error_budget: 0.1}]\n");
    Files.writeString(folder.resolve("prompts"), "int a =\nint b =\nint fail =\n");
    try (FakeMesh mesh = new FakeMesh()) {
      assertThat(run("run", file, "--target", mesh.address())).isEqualTo(1);
      assertThat(out.toString())
          .contains("MISS at most 10 % without a good answer: 3", "failures: INTERNAL 2");
    }
  }

  @Test
  void aGeneratorThatCannotKeepUpSendsNothing() throws IOException {
    String file =
        Files.writeString(
                folder.resolve("fast.yaml"),
                """
                phases: [{rate: 50000, duration: 10s}]
                mix: [{call: SCORE, items: 64}]
                generator: {headroom: 10, calibration: 200ms}
                """)
            .toString();
    try (FakeMesh mesh = new FakeMesh()) {
      assertThat(run("run", file, "--target", mesh.address())).isEqualTo(5);
      assertThat(mesh.scored).as("the first call").hasSize(1);
      assertThat(out.toString()).contains("50,000 × 10.0 are needed", "INVALID");
    }
  }

  @Test
  void aLoadThatMaxCallsWouldEndIsNotBegun() throws IOException {
    String file = scenario("max_calls: 89\nmix: [{call: SUGGEST}]\n");
    try (FakeMesh mesh = new FakeMesh()) {
      assertThat(run("run", file, "--target", mesh.address())).isEqualTo(5);
      assertThat(mesh.suggested).as("the first call").hasSize(1);
      assertThat(out.toString()).contains("more calls than max_calls lets it");
      assertThat(
              run(
                  "run",
                  scenario("max_calls: 90\nmix: [{call: SUGGEST}]\n"),
                  "--target",
                  mesh.address()))
          .isZero();
    }
  }

  @Test
  void aMeshThatCannotBeReadAfterwardsFailsOneCheckAndKeepsTheRest() throws IOException {
    String file = scenario("mix: [{call: FEEDBACK}]\nchecks: {feedback_kept: true}\n");
    try (FakeMesh mesh = new FakeMesh()) {
      mesh.unreadable = true;
      assertThat(run("run", file, "--target", mesh.address())).isEqualTo(1);
      assertThat(out.toString())
          .contains("planned 80   answered 80", "(reading the training records: UNAVAILABLE)");
    }
  }

  @Test
  void aWrongScenarioIsNamedAndAMissingMeshToo() throws IOException {
    String file = scenario("mix: [{call: SUGGEST}]\n");
    String address;
    try (FakeMesh mesh = new FakeMesh()) {
      address = mesh.address();
    }
    assertThat(run("run", file, "--target", address)).isEqualTo(3);
    assertThat(err.toString()).contains("nothing answers at " + address);
    assertThat(run("run", file, "--target", "192.0.2.1:9100")).isEqualTo(2);
    assertThat(err.toString()).contains("--target: 192.0.2.1:9100 is another machine");
    assertThat(run("run", scenario("mix: [{call: SING}]\n"))).isEqualTo(2);
    assertThat(err.toString()).contains("mix[0].call: SING (allowed: one of SUGGEST");
    assertThat(run()).isEqualTo(2);
    assertThat(err.toString()).contains("nothing to do (expected: one of suggest, score, run");
  }

  @Test
  void twoResultsAreCompared() throws IOException {
    String file = scenario("mix: [{call: SUGGEST}]\n");
    String json = folder.resolve("result.json").toString();
    try (FakeMesh mesh = new FakeMesh()) {
      assertThat(run("run", file, "--target", mesh.address(), "--json", json))
          .as(out.toString())
          .isZero();
    }
    assertThat(run("compare", json, json)).isEqualTo(6);
    assertThat(out.toString()).contains("latency p99", "too short to tell");
    ObjectNode failed = (ObjectNode) new ObjectMapper().readTree(Path.of(json).toFile());
    failed.put("verdict", "FAIL").putArray("reasons").add("9 events: 1 lost or doubled");
    String lost = Files.writeString(folder.resolve("lost.json"), failed.toString()).toString();
    assertThat(run("compare", json, lost)).isEqualTo(7);
    assertThat(out.toString())
        .contains("AFTER did not pass its own checks:", "  9 events: 1 lost or doubled");
    assertThat(run("compare", lost, json)).as("BEFORE may have").isEqualTo(6);
    assertThat(run("compare", json, file)).isEqualTo(2);
    assertThat(run("compare", json, json, "--noise", "-1")).isEqualTo(2);
  }

  @Test
  void twoProcessesShareALoadAndWhatTheySawIsAddedUp() throws IOException {
    String file =
        scenario(
            """
            mix: [{call: SCORE, items: 2}, {call: FEEDBACK}]
            slos: [{error_budget: 0}]
            checks: {feedback_kept: true}
            """);
    Path json = folder.resolve("result.json");
    try (FakeMesh mesh = new FakeMesh()) {
      long pid = ProcessHandle.current().pid();
      int code =
          run(
              "run",
              file,
              "--target",
              mesh.address(),
              "--processes",
              "2",
              "--pid",
              "" + pid,
              "--json",
              json.toString());

      assertThat(code).as(out + "\n" + err).isZero();
      JsonNode result = new ObjectMapper().readTree(json.toFile());
      assertThat(result.path("processes").asInt()).isEqualTo(2);
      JsonNode figures = result.path("figures");
      assertThat(figures.path("total").path("answered_count").asInt()).isEqualTo(80);
      assertThat(figures.path("phases").get(0).path("answered_count").asInt()).isEqualTo(10);
      assertThat(figures.path("sending").path("planned_count").asInt()).isEqualTo(80);
      assertThat(mesh.reported.stream().map(each -> each.getMetadata().getIdempotencyKey()))
          .doesNotHaveDuplicates();
      assertThat(result.path("checks").findValuesAsText("check"))
          .contains("each of %d acknowledged events is kept once".formatted(mesh.reported.size()));
      assertThat(result.path("memory").path("samples").get(0).path("bytes").asDouble())
          .isGreaterThan(1e6);
    }
    assertThat(run("run", file, "--processes", "0")).isEqualTo(2);
  }

  @Test
  void theHighestRateIsFound() throws IOException {
    String file =
        scenario(
            """
            mix: [{call: SUGGEST}]
            prompts: prompts
            max_in_flight: 1000
            slos: [{error_budget: 0.01}]
            """);
    Files.writeString(folder.resolve("prompts"), "int a =\n");
    Path json = folder.resolve("found.json");
    Path html = folder.resolve("found.html");
    try (FakeMesh mesh = new FakeMesh()) {
      int code =
          run(
              "find",
              file,
              "--target",
              mesh.address(),
              "--from",
              "100",
              "--to",
              "100",
              "--trial",
              "100ms",
              "--settle",
              "0s",
              "--no-overload",
              "--json",
              json.toString(),
              "--html",
              html.toString());

      assertThat(code).as(out + "\n" + err).isZero();
      JsonNode found = new ObjectMapper().readTree(json.toFile());
      assertThat(found.path("highest").path("rate_per_second").asDouble()).isEqualTo(100);
      assertThat(found.path("bounded_by").asText())
          .isEqualTo("the highest rate that was to be tried");
      assertThat(found.path("trials")).hasSize(2);
      assertThat(Files.readString(html)).contains("Good answers a second", "<svg");
      assertThat(out.toString()).contains("small holds its SLOs at 100.0 calls/s");

      Files.writeString(folder.resolve("prompts"), "int a =\nint fail =\n");
      assertThat(
              run(
                  "find",
                  file,
                  "--target",
                  mesh.address(),
                  "--trial",
                  "100ms",
                  "--settle",
                  "0s",
                  "--from",
                  "50",
                  "--to",
                  "100"))
          .isEqualTo(1);
      assertThat(out.toString()).contains("small does not hold its SLOs at 50.0 calls/s");
      assertThat(run("find", file, "--precision", "0")).isEqualTo(2);
      assertThat(err.toString()).contains("--precision: 0.0 (allowed: 1 to 100)");
      assertThat(run("find", file, "--processes", "65")).isEqualTo(2);
      assertThat(err.toString()).contains("--processes: 65 (allowed: 1 to 64)");
      assertThat(run("find", scenario("mix: [{call: SUGGEST}]\n"))).isEqualTo(2);
      assertThat(err.toString()).contains("slos: absent (expected: what must hold)");
    }
  }

  @Test
  void aSoakNeedsToKnowWhoseMemory() throws IOException {
    String file = scenario("mix: [{call: SUGGEST}]\nchecks: {memory_growth: 0.05}\n");
    assertThat(run("run", file)).isEqualTo(2);
    assertThat(err.toString()).contains("--pid: absent (expected: it or --metrics");
    assertThat(run("run", file, "--pid", "1", "--metrics", "http://localhost/")).isEqualTo(2);
    assertThat(err.toString()).contains("--pid: given with --metrics (expected: one of them)");
  }
}
