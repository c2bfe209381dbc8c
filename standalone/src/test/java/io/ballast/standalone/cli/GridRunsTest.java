package io.ballast.standalone.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.ballast.orchestrator.adapter.SpecParser;
import io.ballast.orchestrator.v1.CreateRunRequest;
import io.ballast.orchestrator.v1.RunState;
import io.ballast.orchestrator.v1.WatchRunRequest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** run --grid runs the product of the values of keys, ranks the runs, and repeats none. */
class GridRunsTest {
  private static final String SPEC =
      """
      name: swept
      prompts: {inline: [a]}
      kl: {coefficient: 0.1}
      evaluation: {prompts: {inline: [d, e]}}
      safety_test: {threshold: 0.3, draw_count: 2, prompts: {inline: [b, c]}}
      """;

  private final FakeMesh mesh = new FakeMesh();

  @TempDir private Path folder = Path.of(".");
  private Path spec = Path.of(".");

  @BeforeEach
  void writeSpec() throws IOException {
    mesh.grid = true;
    mesh.endOfRun = RunState.RUN_STATE_HELD;
    spec = Files.writeString(folder.resolve("spec.yaml"), SPEC);
  }

  @AfterEach
  void close() {
    mesh.close();
  }

  private Cli.Result grid(String... more) {
    List<String> args = new ArrayList<>(List.of("run", spec.toString()));
    args.addAll(List.of(more));
    return Cli.run(mesh, args.toArray(String[]::new));
  }

  @Test
  void theProductOfTheValuesIsRunAndRankedByEvaluation() {
    Cli.Result result =
        grid("--grid", "learning_rate=1e-4,3e-4", "--grid", "kl.coefficient=0.05,0.2");

    assertThat(result.exit()).isZero();
    List<CreateRunRequest> created = mesh.allAsked(CreateRunRequest.class);
    assertThat(created).hasSize(4);
    assertThat(created.stream().map(each -> tree(each.getSpec())))
        .allSatisfy(tree -> assertThat(tree.get("promotion")).isEqualTo("WAIT"))
        .extracting(tree -> List.of(tree.get("learning_rate"), tree.get("kl")))
        .containsExactly(
            List.of(1e-4, Map.of("coefficient", 0.05)),
            List.of(1e-4, Map.of("coefficient", 0.2)),
            List.of(3e-4, Map.of("coefficient", 0.05)),
            List.of(3e-4, Map.of("coefficient", 0.2)));
    assertThat(created.stream().map(each -> tree(each.getSpec()).get("name")).distinct())
        .hasSize(4)
        .allSatisfy(name -> assertThat(String.valueOf(name)).matches("swept-[0-9a-f]{8}"));
    // the fake's evaluation is 10,000 times the learning rate less the coefficient
    assertThat(result.out())
        .contains(
            "run 4 of 4, learning_rate=3.0E-4, kl.coefficient=0.2: held, evaluation +2.8000 [+2.3000, +3.3000]; ")
        .containsPattern(
            "(?s)rank  evaluation  interval +state .*"
                + "\\n *1 +\\+2.9500  \\[\\+2.4500, \\+3.4500\\]  held +3 of 3 .*learning_rate=3.0E-4, kl.coefficient=0.05"
                + "\\n *2 +\\+2.8000 .*"
                + "\\n *3 +\\+0.9500 .*"
                + "\\n *4 +\\+0.8000 ")
        .contains("The first of 4 is optimistic")
        .contains("compare: ./mesh runs compare ")
        .contains(
            "promote: ./mesh runs promote "
                + FakeGrid.idOf(created.get(2).getMetadata().getIdempotencyKey()));
  }

  @Test
  void whatIsDoneIsNotRunAgainHoweverTheGridGrows() {
    var first = grid("--grid", "learning_rate=1e-4,3e-4");
    int watched = mesh.allAsked(WatchRunRequest.class).size();

    Cli.Result again = grid("--grid", "learning_rate=2e-4,3e-4,1e-4");

    assertThat(first.exit()).isZero();
    assertThat(watched).isEqualTo(2);
    assertThat(mesh.allAsked(WatchRunRequest.class)).as("only the new one").hasSize(3);
    assertThat(again.out())
        .containsPattern("run 1 of 3, learning_rate=2.0E-4: held, evaluation")
        .containsPattern("run 2 of 3, learning_rate=3.0E-4: held before, evaluation")
        .containsPattern("run 3 of 3, learning_rate=1.0E-4: held before, evaluation");
    var apart = grid("--grid", "learning_rate=1e-4", "--key", "second");
    assertThat(apart.out()).contains("learning_rate=1.0E-4: held, ");
  }

  @Test
  void withoutAnEvaluationRewardsRankAndSaySo() throws IOException {
    Files.writeString(spec, SPEC.replaceAll("evaluation:.*\n", ""));

    Cli.Result result = grid("--grid", "seed=1,2", "--json");
    JsonNode document = result.json();

    assertThat(document.path("ranked_by").asText()).isEqualTo("reward");
    assertThat(document.path("runs")).hasSize(2);
    assertThat(document.path("runs").get(0).path("values").path("seed").asInt()).isEqualTo(2);
    assertThat(document.path("runs").get(0).has("low")).isFalse();
    assertThat(grid("--grid", "seed=1,2").out())
        .contains("Ranked by the reward of training prompts in the last iteration")
        .containsPattern("\\n *1 +\\+2.0000 +– +held");
  }

  @Test
  void aRunThatFailedIsLastAndTheOthersAreRun() {
    mesh.failingRuns = "3.0E-4";

    Cli.Result result = grid("--grid", "learning_rate=3e-4,1e-4");

    assertThat(result.exit()).isEqualTo(1);
    assertThat(result.out())
        .containsPattern("\\n *1 +\\+0.9000 .*held")
        .containsPattern("\\n *– +– +– +failed")
        .contains("failed: ./mesh runs resume ");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "seed | 'seed' (expected: KEY=VALUE,VALUE…)",
        "=1 | '=1' (expected: KEY=VALUE,VALUE…)",
        "seed= | 'seed=' (expected: at least one value, none empty)",
        "seed=1,,2 | 'seed=1,,2' (expected: ",
        "seed=1,1 | 'seed=1,1' (expected: no value twice)",
        "seed=[1 | 'seed=[1' (expected: values as YAML has them): spec: no YAML",
        "name=a,b | name (expected: another key: a grid sets this one itself)",
        "promotion=NEVER | promotion (expected: another key",
        "sed=1 | with {\"sed\":1}: sed: unknown key (did you mean 'seed'?",
        "kl.coefficient=-1 | with {\"kl.coefficient\":-1}: kl.coefficient: -1 (expected: ≥ 0)",
        "prompts.inline.a=1 | prompts.inline.a: 'inline' is no object with keys in the spec",
      })
  void aFlawIsNamedBeforeAnythingIsRun(String axis, String message) {
    Cli.Result result = grid("--grid", axis);

    assertThat(result.exit()).isEqualTo(2);
    assertThat(result.err()).contains("--grid: " + message);
    assertThat(mesh.allAsked(CreateRunRequest.class)).isEmpty();
  }

  @Test
  void severalRunsNeedAPoolOfPromptsToBeTestedOn() throws IOException {
    Files.writeString(spec, SPEC.replace("draw_count: 2, ", ""));

    Cli.Result several = grid("--grid", "seed=1,2");
    Cli.Result one = grid("--grid", "seed=1");

    assertThat(several.exit()).isEqualTo(2);
    assertThat(several.err()).contains("--grid: safety_test.draw_count: absent (expected with");
    assertThat(one.exit()).isZero();
  }

  @Test
  void moreRunsThanAnybodyMeansAreRefusedAndSoIsOneThatIsNotWatched() {
    String twenty = "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20";

    assertThat(grid("--grid", "seed=" + twenty, "--grid", "iterations=" + twenty).err())
        .contains("--grid: more than 256 runs (expected: fewer values)");
    assertThat(grid("--grid", "seed=1,2", "--grid", "seed=3").err())
        .contains("--grid: seed is there twice (expected: all its values in one --grid)");
    assertThat(grid("--grid", "seed=1,2", "--no-watch").err())
        .contains(
            "--no-watch: beside --grid (expected: none: one run begins when another has ended)");
  }

  private static Map<?, ?> tree(String spec) {
    return new HashMap<>((Map<?, ?>) Objects.requireNonNull(SpecParser.tree(spec)));
  }
}
