package io.ballast.standalone.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.ballast.inference.store.ModelManifest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** reward train makes a version of a file, or says in one line what is wrong and how to mend it. */
class RewardTrainCommandTest {
  @TempDir private Path folder = Path.of(".");

  @Test
  void aFileOfPairsBecomesAVersionAndAnotherTimeTheNext() throws IOException {
    Path file = pairs(80, "");
    Cli.Result first = train(file, "--name", "taste");
    assertThat(first.err()).isEmpty();
    assertThat(first.exit()).isZero();
    assertThat(first.out())
        .contains("reading prompts: 100 %", "judgements: 80 pairs", "published: taste/1");
    Path version = folder.resolve("data/models/taste/1");
    assertThat(ModelManifest.read(version).orElseThrow().checksums())
        .containsKeys("config.json", "golden.json", "model.safetensors", "MODEL_CARD.md");
    assertThat(version.resolve("MODEL_CARD.md"))
        .content()
        .contains(
            "`./mesh reward train pairs.jsonl --name taste/1 --trunk java-tiny/1 --members 2 ")
        .doesNotContain(folder.toString());

    Cli.Result second = train(file, "--name", "taste", "--bootstrap", "--json");
    JsonNode json = second.json();
    assertThat(json.path("version").asText()).isEqualTo("2");
    assertThat(json.path("members").size()).isEqualTo(2);
    assertThat(json.path("bad_row_count").asInt()).isZero();
    assertThat(json.path("ensemble").path("pairs").asInt()).isPositive();
  }

  @Test
  void aVersionThatIsThereStays() throws IOException {
    Path there = folder.resolve("data/models/taste/7");
    Files.createDirectories(there);
    Cli.Result result = train(pairs(1, ""), "--name", "taste/7");
    assertThat(result.exit()).isEqualTo(Exit.REFUSED.code());
    assertThat(result.err())
        .contains("taste/7 is there already, and versions do not change; give another");
    assertThat(there).isEmptyDirectory();
  }

  @Test
  void badRowsAreNamedOrLeftOut() throws IOException {
    Path file = pairs(80, "{\"prompt\": \"p\", \"chosen\": \"a\"}\n");
    Cli.Result refused = train(file, "--name", "taste");
    assertThat(refused.exit()).isEqualTo(Exit.FAILED.code());
    assertThat(refused.err())
        .contains(
            "pairs.jsonl: 1 bad row: row 81: rejected: missing (expected: a text or messages);"
                + " --skip-bad leaves them out");
    assertThat(folder.resolve("data/models/taste")).doesNotExist();

    Cli.Result skipped = train(file, "--name", "taste", "--skip-bad");
    assertThat(skipped.exit()).isZero();
    assertThat(skipped.out()).contains("1 rows left out:", "row 81: rejected: missing");
  }

  @Test
  void whatCannotBeIsRefusedBeforeAnythingIsRead() throws IOException {
    Path file = pairs(1, "");
    assertUsage(train(file, "--name", "taste", "--members", "0"), "members: 0 (expected: 1 to 64)");
    assertUsage(train(file, "--name", "taste", "--flip", "2"), "flip probability: 2.0");
    assertUsage(train(file, "--name", "taste", "--held-out", "50"), "held out: 50 and 50 percent");
    assertUsage(train(file, "--name", "../taste"), "--name: ");
    assertUsage(train(file, "--name", "taste", "--trunk", "nobody"), "--trunk: there is no model");
    assertUsage(
        train(file, "--name", "taste", "--trunk", "java-reward"), "--trunk: java-reward/1: ");
  }

  @Test
  void aFileThatIsNotThereOrSaysTooLittleIsNamed() throws IOException {
    Cli.Result missing = train(folder.resolve("nothing.jsonl"), "--name", "taste");
    assertThat(missing.exit()).isEqualTo(Exit.FAILED.code());
    assertThat(missing.err()).contains("nothing.jsonl: no file that can be read");
    Cli.Result little = train(pairs(1, ""), "--name", "taste");
    assertThat(little.exit()).isEqualTo(Exit.FAILED.code());
    assertThat(little.err()).contains("pairs.jsonl: ", "part: no pairs (expected: judgements of");
  }

  private static void assertUsage(Cli.Result result, String message) {
    assertThat(result.err()).contains(message);
    assertThat(result.exit()).isEqualTo(Exit.USAGE.code());
  }

  private Path pairs(int count, String more) throws IOException {
    StringBuilder rows = new StringBuilder();
    for (int i = 0; i < count; i++) {
      rows.append(
          "{\"prompt\": \"int a%d = \", \"chosen\": \"%d;\", \"rejected\": \"%d,\"}\n"
              .formatted(i, i, i));
    }
    return Files.writeString(folder.resolve("pairs.jsonl"), rows + more);
  }

  private Cli.Result train(Path file, String... args) {
    List<String> all =
        new ArrayList<>(
            List.of(
                "reward",
                "train",
                file.toString(),
                "--data",
                folder.resolve("data").toString(),
                "--epochs",
                "2",
                "--threads",
                "1"));
    all.addAll(List.of(args));
    if (!all.contains("--members")) {
      all.addAll(List.of("--members", "2"));
    }
    return Cli.run(Path.of(".."), Map.of(), all.toArray(String[]::new));
  }
}
