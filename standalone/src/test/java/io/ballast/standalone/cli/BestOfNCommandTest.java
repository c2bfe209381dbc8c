package io.ballast.standalone.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.ballast.reward.v1.AggregationMethod;
import io.ballast.reward.v1.EstimateBestOfNRequest;
import io.ballast.reward.v1.ScoreRequest;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@code ./mesh reward bon} reads pools, has them scored if need be, and shows the estimates. */
class BestOfNCommandTest {
  @TempDir private Path folder;

  private final FakeMesh mesh = new FakeMesh();

  @AfterEach
  void stop() {
    mesh.close();
  }

  @Test
  void rowsWithRewardsAreSentByPromptInTheFilesOrder() throws IOException {
    Path file =
        file(
            """
            {"prompt_id": "a", "proxy": 0.1, "gold": 1}
            {"prompt_id": 7, "proxy": 3, "gold": -1.5}

            {"prompt_id": "a", "proxy": 0.5, "gold": 2, "note": "what else is there is not read"}
            """);
    Cli.Result result = bon(file, "--n", "1,2", "--seed", "5", "--fit-max-n", "64");

    assertThat(result.err()).isEmpty();
    assertThat(result.exit()).isZero();
    EstimateBestOfNRequest asked = mesh.asked(EstimateBestOfNRequest.class);
    assertThat(asked.getPoolsCount()).isEqualTo(2);
    assertThat(asked.getPools(0).getProxyRewardsList()).containsExactly(.1, .5);
    assertThat(asked.getPools(0).getGoldRewardsList()).containsExactly(1., 2.);
    assertThat(asked.getPools(1).getGoldRewardsList()).containsExactly(-1.5);
    assertThat(asked.getNsList()).containsExactly(1, 2);
    assertThat(asked.getSeed()).isEqualTo(5);
    assertThat(asked.getFitMaxN()).isEqualTo(64);
    assertThat(asked.getResamplesCount()).isEqualTo(1_000);
    assertThat(result.out().lines())
        .startsWith(
            "n     KL  reward    gold     low    high",
            "1  0.000  +0.000  -0.500  -0.750  -0.250",
            "2  0.193  +0.879  -0.256  -0.506  -0.006")
        .contains(
            "3 completions of 2 prompts",
            "gold over n = 1 = d(α − βd), d = √KL: α 0.600 [0.500, 0.700], β 0.100 [0.050, 0.150],"
                + " R² 0.990; intervals over prompts",
            "the fitted curve is highest at a KL of 9.00 nats, +0.900 over n = 1 (beyond what was"
                + " fitted)");
  }

  @Test
  void rowsWithTextsAreScoredFirstInTurns() throws IOException {
    List<String> lines = new ArrayList<>();
    for (int i = 0; i < 300; i++) {
      lines.add(
          "{\"prompt\": \"p%d\", \"completion\": \"%s\", \"gold\": %d}"
              .formatted(i % 3, i == 2 ? "" : "c" + i, i));
    }
    Cli.Result result =
        bon(file(String.join("\n", lines)), "--aggregation", "median", "--model", "java-reward");

    assertThat(result.exit()).isZero();
    List<ScoreRequest> scored =
        mesh.requests.stream()
            .filter(ScoreRequest.class::isInstance)
            .map(ScoreRequest.class::cast)
            .toList();
    assertThat(scored).extracting(ScoreRequest::getItemsCount).containsExactly(256, 44);
    assertThat(scored.getFirst().getAggregation().getMethod())
        .isEqualTo(AggregationMethod.AGGREGATION_METHOD_MEDIAN);
    assertThat(scored.getFirst().getItems(4).getPrompt().getText()).isEqualTo("p1");
    assertThat(scored.getFirst().getItems(4).getCompletion().getText()).isEqualTo("c4");
    EstimateBestOfNRequest asked = mesh.asked(EstimateBestOfNRequest.class);
    assertThat(asked.getPoolsCount()).isEqualTo(3);
    assertThat(asked.getPools(2).getGoldRewardsList()).startsWith(5., 8.).hasSize(99);
    assertThat(asked.getPools(0).getProxyRewards(0)).isEqualTo(-1.25);
    assertThat(result.out())
        .contains("scoring: 75 %", "scoring: 100 %")
        .contains("299 completions of 3 prompts; rewards: WCO over java-reward/1")
        .contains("1 row without a reward left out; the first: pool.jsonl:3: ");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{\"prompt_id\": \"a\", \"proxy\": NaN, \"gold\": 1} | proxy: \"NaN\" (expected: a finite number within ±1e100)",
        "{\"prompt_id\": \"a\", \"proxy\": 1, \"gold\": 1e400} | (expected: a finite number within ±1e100)",
        "{\"prompt_id\": \"a\", \"proxy\": 1, \"gold\": \"1\"} | gold: \"1\" (expected: a finite number",
        "{\"prompt_id\": \"a\", \"proxy\": 1} | gold: absent (expected: a finite number",
        "{\"proxy\": 1, \"gold\": 1} | prompt_id: absent (expected: a text or a whole number)",
        "{\"prompt_id\": \"a\", \"gold\": 1} | neither proxy nor completion (expected: one of them)",
        "{\"completion\": \"c\", \"gold\": 1} | prompt: absent (expected: a text)",
        "{\"prompt\": \"p\", \"completion\": \"c\", \"gold\": 1} | no proxy, which the rows before have (expected: all or none)",
        "[1] | no JSON object",
        "{\"gold\": | no JSON: "
      })
  void aBadRowIsNamedByItsLine(String row, String flaw) throws IOException {
    Path file = file("{\"prompt_id\": \"a\", \"proxy\": 1, \"gold\": 1}\n\n" + row + "\n");
    Cli.Result result = bon(file);

    assertThat(result.exit()).isEqualTo(Exit.FAILED.code());
    assertThat(result.err())
        .startsWith("mesh: pool.jsonl:3: ")
        .contains(flaw)
        .contains("--skip-bad");
    assertThat(mesh.requests).isEmpty();
    Cli.Result skipped = bon(file, "--skip-bad");
    assertThat(skipped.exit()).isZero();
    assertThat(skipped.out())
        .contains("1 completion of 1 prompt")
        .contains("1 bad row left out; the first: pool.jsonl:3: ");
  }

  @Test
  void aFileThatCannotBeUsedIsNamed() throws IOException {
    assertThat(bon(folder.resolve("none.jsonl")).err())
        .contains("none.jsonl: no file that can be read");
    assertThat(bon(file("\n")).err()).contains("no row that can be used, 0 bad ones");
    Path bytes = folder.resolve("bytes.jsonl");
    Files.write(bytes, new byte[] {'{', (byte) 0xff, '\n'});
    assertThat(bon(bytes).err()).contains("bytes.jsonl:1 or a later line: not UTF-8");
    assertThat(bon(bytes).exit()).isEqualTo(Exit.FAILED.code());
  }

  @Test
  void jsonIsTheAnswerWithWhatWasLeftOut() throws IOException {
    Path file =
        file(
            """
            {"prompt_id": "a", "proxy": 1, "gold": 1}
            {"prompt_id": "a", "proxy": 1}
            """);
    JsonNode json = bon(file, "--json", "--skip-bad").json();

    assertThat(json.get("points")).hasSize(4);
    assertThat(json.get("points").get(1).get("kl_nats").asDouble()).isBetween(.19, .2);
    assertThat(json.get("no_fit_reason").asText()).isEqualTo("too few");
    assertThat(json.get("completions_count").asInt()).isEqualTo(1);
    assertThat(json.get("skipped_rows_count").asInt()).isEqualTo(1);
    assertThat(json.get("unscored_rows_count").asInt()).isZero();
  }

  @Test
  void thePlotIsOnePageThatNeedsNoNetwork() throws IOException {
    Path plot = folder.resolve("bon.html");
    Path file =
        file(
            """
            {"prompt_id": "<a>", "proxy": 1, "gold": 1}
            {"prompt_id": "b", "proxy": 1, "gold": 2}
            """);
    Cli.Result result = bon(file, "--plot", plot.toString());

    assertThat(result.out()).contains("plot: " + plot);
    String page = Files.readString(plot);
    assertThat(page)
        .contains("gold reward of the best of n", "[-0.506, -0.006]", "95 % interval", "R² 0.990")
        .doesNotContain("http", "<script");
    assertThat(page.split("<polyline", -1)).hasSize(6); // low, high, gold, fit; reward
  }

  private Cli.Result bon(Path file, String... options) {
    List<String> args = new ArrayList<>(List.of("reward", "bon", "--file", file.toString()));
    args.addAll(List.of(options));
    return Cli.run(mesh, args.toArray(String[]::new));
  }

  private Path file(String text) throws IOException {
    return Files.writeString(folder.resolve("pool.jsonl"), text, StandardCharsets.UTF_8);
  }
}
