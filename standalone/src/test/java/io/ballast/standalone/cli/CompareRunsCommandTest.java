package io.ballast.standalone.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.ballast.orchestrator.v1.ConstraintMetrics;
import io.ballast.orchestrator.v1.ConstraintTest;
import io.ballast.orchestrator.v1.GetRunResponse;
import io.ballast.orchestrator.v1.GoldFailure;
import io.ballast.orchestrator.v1.GoldScores;
import io.ballast.orchestrator.v1.IterationMetrics;
import io.ballast.orchestrator.v1.Run;
import io.ballast.orchestrator.v1.RunState;
import io.ballast.safety.v1.SafetyTest;
import io.ballast.safety.v1.SafetyTestState;
import io.ballast.testing.EventFileReader;
import java.io.IOException;
import java.io.StringReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.parsers.ParserConfigurationException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.xml.sax.InputSource;
import org.xml.sax.SAXException;

/** runs compare sets runs side by side; runs export writes their numbers for TensorBoard. */
class CompareRunsCommandTest {
  private static final String BOLD_ID = "1d8f0000-0000-4000-8000-000000000009";
  private static final String NEW_ID = "2e9f0000-0000-4000-8000-00000000000a";
  private static final String FAILED_ID = "40b10000-0000-4000-8000-00000000000c";
  private static final String LEARNING_ID = "3fa00000-0000-4000-8000-00000000000b";

  private static final String SPEC =
      """
      name: bold
      prompts: {inline: [a]}
      safety_test: {threshold: 0.3, prompts: {inline: [b, c]}}
      """;

  private final FakeMesh mesh = new FakeMesh();
  @TempDir private Path folder = Path.of(".");

  @BeforeEach
  void addRuns() {
    mesh.moreRuns.add(
        GetRunResponse.newBuilder()
            .setRun(Run.newBuilder().setRunId(NEW_ID).setName("new").setSpec("name: new\n"))
            .build());
    mesh.moreRuns.add(bold());
  }

  @AfterEach
  void close() {
    mesh.close();
  }

  /** Four iterations with two constraints; gold was asked in 1, 2 and 4, and failed in 2. */
  private static GetRunResponse bold() {
    GetRunResponse.Builder answer =
        GetRunResponse.newBuilder()
            .setRun(
                Run.newBuilder()
                    .setRunId(BOLD_ID)
                    .setName("bold <i>")
                    .setState(RunState.RUN_STATE_NO_SOLUTION_FOUND)
                    .setSpec(SPEC + "learning_rate: 0.001\nreward: {model: taste, version: 3}\n")
                    .setBaseVersion(FakeMesh.POLICY)
                    .setIterationsDone(4)
                    .setIterationsCount(9)
                    .setEarlyStopReason("kl 0.31 over 0.30")
                    .addConstraintTests(
                        test("harm", SafetyTestState.SAFETY_TEST_STATE_PASSED, "c-1"))
                    .addConstraintTests(
                        test("leak", SafetyTestState.SAFETY_TEST_STATE_NO_SOLUTION_FOUND, "")));
    for (int i = 1; i <= 4; i++) {
      IterationMetrics.Builder metrics =
          IterationMetrics.newBuilder()
              .setIteration(i)
              .setSamplesCount(8)
              .setMeanReward(0.5 * i)
              .setKlNats(0.02 * i)
              .setMeanCompletionTokens(10)
              .setSampleSeconds(2)
              .setLoss(-1e-5 * i)
              .addConstraints(constraint("harm", i).setTarget(0.1).setLambda(1.25))
              .addConstraints(constraint("leak", i));
      if (i == 2) {
        metrics.setGoldFailure(GoldFailure.newBuilder().setReason("MODEL_LOADING"));
      } else if (i != 3) {
        metrics.setGold(GoldScores.newBuilder().setMeanGold(0.25 * i).setScoredCount(8));
      }
      answer.addIterations(metrics);
    }
    return answer.build();
  }

  private static ConstraintMetrics.Builder constraint(String name, int i) {
    return ConstraintMetrics.newBuilder().setName(name).setMeanCost(0.05 * i).setBound(0.06 * i);
  }

  private static ConstraintTest test(String name, SafetyTestState state, String certificate) {
    return ConstraintTest.newBuilder()
        .setConstraint(name)
        .setTest(
            SafetyTest.newBuilder()
                .setState(state)
                .setCostModel(FakeMesh.model("java-cost"))
                .setOutcome(FakeSafety.outcome())
                .setCertificateId(certificate))
        .build();
  }

  @Test
  void theDifferencesAreTables() {
    Cli.Result result = Cli.run(mesh, "runs", "compare", "tidy", "1d8f");

    assertThat(result.exit()).isZero();
    assertThat(result.out())
        .contains("A  tidy, " + FakeMesh.RUN_ID + ", from java-tiny/1")
        .contains("B  bold <i>, " + BOLD_ID + ", from java-tiny/1")
        .containsPattern("state +promoted +no solution found")
        // the other spec is too short to be read today
        .containsPattern("rewarded by +– +taste/3")
        .containsPattern("harm by +– +java-cost/1")
        .containsPattern("iterations +3 of 3 +4 of 9; kl 0.31 over 0.30")
        .containsPattern("certificate +" + FakeMesh.CERTIFICATE_ID + " +–")
        .containsPattern("certificate of harm +– +c-1")
        .containsPattern("learning_rate +– +0.001")
        .containsPattern("name +tidy +bold")
        // 8 completions of 10 tokens in 2 s; the other run does not say how long it sampled
        .containsPattern("tokens_per_second/sample +– +40 +–")
        // 0.3 and 2
        .containsPattern("train/reward +0.3000 +2 +\\+1.7000")
        .containsPattern("gold/mean +– +1 +–");
  }

  @Test
  void thePageNeedsNoNetworkAndLeavesGaps()
      throws IOException, SAXException, ParserConfigurationException {
    Path file = folder.resolve("both.html");

    Cli.Result result =
        Cli.run(mesh, "runs", "compare", "tidy", "bold <i>", "--output", file.toString());

    assertThat(result.exit()).isZero();
    assertThat(result.out()).contains("page: " + file);
    String page = Files.readString(file);
    assertThat(page)
        .doesNotContainPattern("<script|<img|<link|@import|url\\(|https?://")
        .contains("bold &lt;i&gt;")
        .contains("@media print")
        .contains("prefers-color-scheme:dark")
        .contains("reward in training", "KL to the reference", "Constraint leak", "λ, the price")
        .contains("tokens a second: sample", "norm of the gradient")
        .contains("entropy, nats", "length, tokens", "spread of the members")
        .doesNotContain("Harm that is measured only", "NaN");
    assertThat(chart(page, "bound, and its target"))
        .as("only harm has a target, the same in all iterations")
        .contains("class=\"level\"");
    // gold: a dot, a gap where it failed, a dot; where it was not asked there is nothing to miss
    String gold = chart(page, "gold");
    assertThat(gold).doesNotContain("<polyline").contains("<title>B: 1.000</title>");
    assertThat(gold.split("<circle", -1)).hasSize(1 + 3);
    assertThat(chart(page, "reward in training").split("<polyline", -1)).hasSize(1 + 2);
    DocumentBuilderFactory.newInstance()
        .newDocumentBuilder()
        .parse(new InputSource(new StringReader(wellFormed(page))));
  }

  private static String chart(String page, String title) {
    var found =
        Pattern.compile("<svg [^>]*aria-label=\"" + title + "\".*?</svg>", Pattern.DOTALL)
            .matcher(page);
    assertThat(found.find()).as(title).isTrue();
    return found.group();
  }

  /** The body: HTML's head has an element that is not closed. */
  private static String wellFormed(String page) {
    return page.substring(page.indexOf("<body>"), page.indexOf("</html>"));
  }

  /** Where one failed at once, the difference of the specs is what is looked for. */
  @Test
  void aRunWithoutAnIterationHasNoNumbersAndNoCurves() throws IOException {
    mesh.moreRuns.add(
        GetRunResponse.newBuilder()
            .setRun(
                bold().getRun().toBuilder()
                    .setRunId(FAILED_ID)
                    .setName("broken")
                    .setSpec(SPEC + "learning_rate: 0.5\n")
                    .setState(RunState.RUN_STATE_FAILED)
                    .setMessage("the policy-server is away")
                    .setIterationsDone(0))
            .build());
    Path file = folder.resolve("broken.html");

    Cli.Result result =
        Cli.run(mesh, "runs", "compare", "1d8f", "broken", "--output", file.toString());

    assertThat(result.exit()).isZero();
    assertThat(result.out())
        .contains("B has done no iteration: it has no numbers and no curves.")
        .containsPattern("state +no solution found +failed")
        .containsPattern("iterations +4 of 9; kl 0.31 over 0.30 +0 of 9")
        .containsPattern("because +– +the policy-server is away")
        .containsPattern("learning_rate +0.001 +0.5")
        .containsPattern("train/reward +2 +– +–");
    assertThat(Files.readString(file)).contains("B has done no iteration: it has no numbers");

    Cli.Result none = Cli.run(mesh, "runs", "compare", "new", "broken");
    assertThat(none.exit()).isZero();
    assertThat(none.out())
        .contains("A  new, " + NEW_ID)
        .doesNotContain(NEW_ID + ", from")
        .contains("A, B have done no iteration: they have no numbers and no curves.")
        .contains("None has any.");
  }

  @Test
  void jsonHasTheRunsAndTheKeysThatDiffer() {
    JsonNode document = Cli.run(mesh, "runs", "compare", "tidy", "1d8f", "--json").json();

    assertThat(document.path("runs")).hasSize(2);
    assertThat(document.path("spec_differences").findValuesAsText("key"))
        .contains("name", "prompts.inline", "reward.version");
    JsonNode rate = document.path("spec_differences").path(4);
    assertThat(rate.path("key").asText()).isEqualTo("learning_rate");
    assertThat(rate.path("values").path(0).isNull()).isTrue();
    assertThat(rate.path("values").path(1).asText()).isEqualTo("0.001");
  }

  @Test
  void whatCannotBeComparedIsNamed() {
    Cli.Result unknown = Cli.run(mesh, "runs", "compare", "tidy", "ffff");
    assertThat(unknown.exit()).isEqualTo(1);
    assertThat(unknown.err()).contains("no run ffff; ./mesh runs list shows them");

    Cli.Result same = Cli.run(mesh, "runs", "compare", "tidy", "0c7f");
    assertThat(same.exit()).isEqualTo(2);
    assertThat(same.err()).contains("run " + FakeMesh.RUN_ID + " is named twice: tidy and 0c7f");

    assertThat(Cli.run(mesh, "runs", "compare", "tidy").exit()).isEqualTo(2);
    Cli.Result many = Cli.run(mesh, "runs", "compare", "a", "b", "c", "d", "e", "f", "g");
    assertThat(many.exit()).isEqualTo(2);
    assertThat(many.err()).contains("7 runs (expected: 2 to 6)");
  }

  @Test
  void aRunIsExportedForTensorBoard() throws IOException {
    JsonNode document =
        Cli.run(mesh, "runs", "export", "1d8f", "--tensorboard", folder.toString(), "--json")
            .json();

    List<EventFileReader.Event> events =
        EventFileReader.read(Path.of(document.path("file").asText()));
    assertThat(events).extracting(EventFileReader.Event::step).containsExactly(0L, 1L, 2L, 3L, 4L);
    assertThat(events.get(1).scalars())
        .containsEntry("train/reward", 0.5f)
        .containsEntry("constraint/harm/lambda", 1.25f)
        .containsEntry("gold/mean", 0.25f)
        .containsEntry("tokens_per_second/sample", 40f)
        .doesNotContainKeys("constraint/leak/lambda", "train/reward_spread");
    assertThat(events.get(2).scalars()).doesNotContainKey("gold/mean");
    assertThat(document.path("iterations_count").asInt()).isEqualTo(4);

    Cli.Result result = Cli.run(mesh, "runs", "export", "1d8f", "--tensorboard", folder.toString());
    assertThat(result.out())
        .contains("events: " + document.path("file").asText())
        .contains("4 iterations, " + document.path("tags").size() + " tags; tensorboard --logdir ")
        .doesNotContain("the run has not ended");
    assertThat(Cli.run(mesh, "runs", "export", "1d8f").exit()).isEqualTo(2);
    assertThat(Cli.run(mesh, "runs", "export", "new", "--tensorboard", folder.toString()).err())
        .contains("has done no iteration yet");
  }

  @Test
  void anExportOfARunThatStillLearnsSaysWhatItCanLose() {
    GetRunResponse.Builder learning = bold().toBuilder();
    learning.getRunBuilder().setRunId(LEARNING_ID).setState(RunState.RUN_STATE_LEARNING);
    mesh.moreRuns.add(learning.build());

    assertThat(Cli.run(mesh, "runs", "export", "3fa0", "--tensorboard", folder.toString()).out())
        .contains("the run has not ended: if the mesh writes to the same folder");
  }
}
