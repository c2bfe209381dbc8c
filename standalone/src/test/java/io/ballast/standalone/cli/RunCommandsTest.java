package io.ballast.standalone.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.ballast.orchestrator.v1.CreateRunRequest;
import io.ballast.orchestrator.v1.PauseRunRequest;
import io.ballast.orchestrator.v1.PromoteCandidateRequest;
import io.ballast.orchestrator.v1.ResumeRunRequest;
import io.ballast.orchestrator.v1.RunState;
import io.ballast.orchestrator.v1.WatchRunRequest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** run and runs start, follow and steer runs. */
class RunCommandsTest {
  private final FakeMesh mesh = new FakeMesh();

  @TempDir private Path folder = Path.of(".");
  private Path spec = Path.of(".");

  @BeforeEach
  void writeSpec() throws IOException {
    spec = Files.writeString(folder.resolve("run spec.yaml"), "name: tidy\n");
  }

  @AfterEach
  void close() {
    mesh.close();
  }

  @Test
  void aRunIsFollowedToItsEnd() {
    Cli.Result result = Cli.run(mesh, "run", spec.toString());

    assertThat(result.exit()).isZero();
    assertThat(mesh.asked(CreateRunRequest.class).getSpec()).isEqualTo("name: tidy\n");
    assertThat(mesh.asked(CreateRunRequest.class).getMetadata().getIdempotencyKey())
        .isEqualTo("key-1");
    assertThat(result.out())
        .contains("run tidy " + FakeMesh.RUN_ID + ", 3 iterations from java-tiny/1")
        .contains("    1   +0.100   0.300        –   0.200   0.250   1.500   0.0100")
        .contains("    3   +0.300")
        .contains("promoted")
        .contains("upper bound 0.0912 ≤ threshold 0.1200, δ = 0.05, n = 800, by java-cost/2")
        .contains("./mesh models certificate " + FakeMesh.CERTIFICATE_ID)
        .contains("./mesh models rollback")
        // 500 completions of 9 tokens in 1.5 s
        .containsPattern("tokens/s +learn 3,000\\R");
  }

  @Test
  void theExitCodeSaysHowItEnded() {
    mesh.endOfRun = RunState.RUN_STATE_NO_SOLUTION_FOUND;
    assertThat(Cli.run(mesh, "run", spec.toString()).exit()).isEqualTo(4);
    mesh.endOfRun = RunState.RUN_STATE_HELD;
    Cli.Result held = Cli.run(mesh, "run", spec.toString());
    assertThat(held.exit()).isEqualTo(4);
    assertThat(held.out()).contains("./mesh runs promote " + FakeMesh.RUN_ID);
    mesh.endOfRun = RunState.RUN_STATE_FAILED;
    Cli.Result failed = Cli.run(mesh, "run", spec.toString());
    assertThat(failed.exit()).isEqualTo(1);
    assertThat(failed.out()).contains("./mesh runs resume " + FakeMesh.RUN_ID);
    mesh.endOfRun = RunState.RUN_STATE_CANCELLED;
    assertThat(Cli.run(mesh, "run", spec.toString()).exit()).isEqualTo(1);
    mesh.endOfRun = RunState.RUN_STATE_STOPPED;
    assertThat(Cli.run(mesh, "run", spec.toString()).exit()).isEqualTo(4);
  }

  @Test
  void goldAlarmsAndTheCurveAreShown() {
    mesh.alarmed = true;
    mesh.endOfRun = RunState.RUN_STATE_HELD;
    String alarm =
        "alarm: reward less gold 0.750 over 0.500 in iteration 3: the candidate waits for a person";

    Cli.Result watched = Cli.run(mesh, "runs", "watch", "tidy");
    Cli.Result shown = Cli.run(mesh, "runs", "show", "tidy");

    for (Cli.Result result : List.of(watched, shown)) {
      assertThat(result.out())
          .contains("    1   +0.100   0.300   +0.500   0.200")
          .contains("    2   +0.200   0.300   failed   0.200")
          .contains("      no gold: MODEL_LOADING: reward-server: people/4 <is> loading")
          .contains("    3   +0.300   0.300   +1.500   0.200")
          .contains("      " + alarm)
          .contains("java-tiny/tidy-0c7f0000 (the weights after iteration 2)")
          .contains("./mesh runs promote " + FakeMesh.RUN_ID + " --accept-alarms");
    }
    assertThat(shown.out())
        .contains(
            "gold over the first policy = d(α − β ln d), d = √KL: α 0.350 [0.300, 0.400],"
                + " β 0.146 [0.100, 0.200]")
        .contains(
            "highest at a KL of 16.36 nats, +0.590 over the first policy (beyond what was fitted)");
  }

  @Test
  void updatesThatWereSkippedAreToldBelowTheirIterationsAndCounted() {
    mesh.skipping = true;

    Cli.Result followed = Cli.run(mesh, "run", spec.toString());
    Cli.Result watched = Cli.run(mesh, "runs", "watch", "tidy", "--after", "1");
    Cli.Result shown = Cli.run(mesh, "runs", "show", "tidy");

    for (Cli.Result result : List.of(followed, watched, shown)) {
      assertThat(result.out())
          .containsPattern("    2   [+]0[.]200.*\\R      update skipped: no signal: every")
          .containsPattern("skipped +2 of 3 updates: 1 not finite, 1 no signal\\R");
    }
    for (Cli.Result result : List.of(followed, shown)) {
      assertThat(result.out())
          .containsPattern("    1   [+]0[.]100.*\\R      update skipped: not finite: gradient");
    }
    assertThat(watched.out()).as("an iteration that was not asked for").doesNotContain("NaN");
  }

  @Test
  void aSpreadThatIsNotThereIsADash() throws IOException {
    mesh.composed = true;
    Path page = folder.resolve("composed.html");

    Cli.Result shown = Cli.run(mesh, "runs", "show", "tidy");
    Cli.Result plotted = Cli.run(mesh, "runs", "plot", "tidy", "--file", page.toString());

    assertThat(shown.out()).contains("    1   +0.100       –        –   0.200");
    assertThat(plotted.exit()).isZero();
    assertThat(Files.readString(page))
        .contains("reward in training (proxy)")
        .contains("<td>–</td>")
        .doesNotContain("spread of the members");
  }

  @Test
  void alarmsAreAcceptedWhenAPersonSaysSo() {
    assertThat(Cli.run(mesh, "runs", "promote", "tidy").exit()).isZero();
    assertThat(mesh.asked(PromoteCandidateRequest.class).getAcceptAlarms()).isFalse();
    mesh.requests.clear();
    assertThat(Cli.run(mesh, "runs", "promote", "tidy", "--accept-alarms").exit()).isZero();
    assertThat(mesh.asked(PromoteCandidateRequest.class).getAcceptAlarms()).isTrue();
    assertThat(Cli.run(mesh, "runs", "pause", "tidy", "--accept-alarms").exit()).isEqualTo(2);
  }

  @Test
  void freshPromptsAreReadWithTheirGroups() throws IOException {
    Path file = folder.resolve("fresh.jsonl");
    Files.writeString(
        file,
        "{\"prompt\": \"int a\", \"group\": \"A\"}\n{\"prompt\": \"int b\", \"group\": \"B\"}\n");

    Cli.Result resumed = Cli.run(mesh, "runs", "resume", "tidy", "--test-prompts", file.toString());

    assertThat(resumed.exit()).isZero();
    ResumeRunRequest asked = mesh.asked(ResumeRunRequest.class);
    assertThat(asked.getTestPromptsList()).containsExactly("int a", "int b");
    assertThat(asked.getTestGroupsList()).containsExactly("A", "B");

    Files.writeString(file, "\"int a\"\n{\"text\": 1}\n");
    Cli.Result bad = Cli.run(mesh, "runs", "resume", "tidy", "--test-prompts", file.toString());
    assertThat(bad.exit()).isEqualTo(1);
    assertThat(bad.err())
        .contains(
            file
                + ": row 2: no text but nothing (expected: a JSON string, or an object with the key");
  }

  @Test
  void rewardsAreDrawnAgainstTheDistance() throws IOException {
    mesh.alarmed = true;
    Path page = folder.resolve("tidy.html");

    Cli.Result result = Cli.run(mesh, "runs", "plot", "tidy", "--file", page.toString());

    assertThat(result.exit()).isZero();
    assertThat(result.out()).contains("alarm: reward less gold").contains("plot: " + page);
    String html = Files.readString(page);
    assertThat(html)
        .contains("reward in training (proxy)")
        .contains("<title>fit: ")
        .contains("reward less gold, in standard deviations")
        .contains("<td>+1.500</td>")
        .contains("alarm: reward less gold 0.750 over 0.500");
    // at the farthest d fitted: 0.5 + 3·(0.35 − 0.146·ln 3) = 1.0688
    assertThat(html).contains("<title>fit: 1.069</title>");
  }

  @Test
  void jsonIsOneDocumentWithAllIterations() {
    JsonNode document = Cli.run(mesh, "run", spec.toString(), "--json").json();

    assertThat(document.path("run").path("state").asText()).isEqualTo("RUN_STATE_PROMOTED");
    assertThat(document.path("iterations").findValuesAsText("iteration"))
        .containsExactly("1", "2", "3");
  }

  @Test
  void aRunThatIsNotWatchedIsOnlyStarted() {
    Cli.Result result = Cli.run(mesh, "run", spec.toString(), "--no-watch");

    assertThat(result.exit()).isZero();
    assertThat(result.out()).contains("./mesh runs watch " + FakeMesh.RUN_ID);
    assertThat(mesh.requests).noneMatch(WatchRunRequest.class::isInstance);
  }

  @Test
  void runsAreListed() {
    Cli.Result result = Cli.run(mesh, "runs", "list");

    assertThat(result.exit()).isZero();
    assertThat(result.out().lines().toList().getFirst()).startsWith("run ").contains("state");
    assertThat(result.out())
        .contains(FakeMesh.RUN_ID)
        .contains("tidy")
        .contains("+0.300")
        .contains("tokens/s")
        .contains("0.0300      3000  ");
    assertThat(Cli.run(mesh, "runs").out()).isEqualTo(result.out());
    assertThat(Cli.run(mesh, "runs", "list", "--json").json().path("runs")).hasSize(1);
  }

  @Test
  void aRunIsNamedByItsNameOrTheBeginningOfItsId() {
    assertThat(Cli.run(mesh, "runs", "pause", "tidy").exit()).isZero();
    Cli.Result result = Cli.run(mesh, "runs", "show", "0c7f");

    assertThat(mesh.asked(PauseRunRequest.class).getRunId()).isEqualTo(FakeMesh.RUN_ID);
    assertThat(result.exit()).isZero();
    assertThat(result.out()).contains("    2   +0.200").contains("promoted");
  }

  @Test
  void aRunThatIsNotThereIsNamed() {
    Cli.Result result = Cli.run(mesh, "runs", "cancel", "ffff");

    assertThat(result.exit()).isEqualTo(1);
    assertThat(result.err())
        .isEqualToIgnoringNewLines("mesh: no run ffff; ./mesh runs list shows them");
  }

  @ParameterizedTest
  @ValueSource(strings = {"show", "watch", "cancel"})
  void aNameThatIsEmptyNamesNoRun(String command) {
    Cli.Result result = Cli.run(mesh, "runs", command, "");

    assertThat(result.exit()).isEqualTo(2);
    assertThat(result.err()).contains("mesh: no run was named (expected: an id, its beginning,");
  }

  @Test
  void aSpecThatIsAFolderIsNamed() {
    Cli.Result result = Cli.run(mesh, "run", folder.toString());

    assertThat(result.exit()).isEqualTo(2);
    assertThat(result.err()).contains("mesh: " + folder + ": no file that can be read");
  }

  @Test
  void theSpecComesBackAsItWasGiven() {
    assertThat(Cli.run(mesh, "runs", "show", "tidy", "--spec").out())
        .isEqualToIgnoringNewLines("name: tidy");
  }

  @Test
  void anEndedRunIsShownWithoutWaiting() {
    Cli.Result result = Cli.run(mesh, "runs", "watch", "tidy", "--after", "1");

    assertThat(result.exit()).isZero();
    assertThat(result.out()).doesNotContain("    1   +0.100").contains("    2   +0.200");
  }
}
