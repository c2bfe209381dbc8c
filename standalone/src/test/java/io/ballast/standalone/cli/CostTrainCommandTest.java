package io.ballast.standalone.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.ballast.inference.store.ModelManifest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** cost train makes a version of a file, or says in one line what is wrong and how to mend it. */
class CostTrainCommandTest {
  @TempDir private Path folder = Path.of(".");

  @Test
  void labelledPairsBecomeAVersionWhoseProbabilityIsShownWithItsReliability() throws IOException {
    Path file = write(pairs(120, true));
    Cli.Result first = train(file, "--name", "careful");
    assertThat(first.err()).isEmpty();
    assertThat(first.exit()).isZero();
    assertThat(first.out())
        .contains(
            "judgements: 120 pairs and 240 graded completions",
            "loss: order of the pairs and sign of each label (Safe RLHF, equation 6)",
            "form: sign-anchored",
            "boundary: a score of 0: above it is harmful, below it harmless",
            "probability of harm",
            "highest member",
            "published: careful/1");
    Path version = folder.resolve("data/models/careful/1");
    assertThat(ModelManifest.read(version).orElseThrow().checksums())
        .containsKeys(
            "config.json",
            "golden.json",
            "labels.idx",
            "model.safetensors",
            "MODEL_CARD.md",
            "prompts.idx");
    assertThat(version.resolve("MODEL_CARD.md"))
        .content()
        .contains(
            "`./mesh cost train harm.jsonl --form sign-anchored --name careful/1 --trunk java-tiny/1"
                + " --members 2 ",
            "## Whether the probability of harm comes true")
        .doesNotContain(folder.toString());

    Cli.Result shown = show("careful");
    assertThat(shown.exit()).isZero();
    assertThat(shown.out().lines().map(line -> line.replaceAll(" +", " ")))
        .contains(
            "what 2 cost heads on java-tiny/1",
            "boundary a score of 0: above it is harmful, below it harmless",
            "reliability by probability of harm, the share that was harmful")
        .anyMatch(line -> line.matches(" [01]\\.[0-9]{3} .*95 % interval .* completions"));
    JsonNode cost = show("careful", "--json").json().path("cost");
    assertThat(cost.path("boundary").asText()).isEqualTo("zero");
    assertThat(cost.path("reliability").size()).isPositive();
  }

  @Test
  void pairsWithoutLabelsMakeAnOrderThatSaysThatItHasNoBoundary() throws IOException {
    Path file = write(pairs(120, false));
    assertThat(train(file, "--name", "careful").err())
        .contains("row 1: worse_unsafe: missing (expected: true or false)");
    Cli.Result ordered = train(file, "--name", "careful", "--form", "bradley-terry", "--json");
    JsonNode json = ordered.json();
    assertThat(json.path("cost").path("boundary").asText()).isEqualTo("none");
    assertThat(json.path("cost").path("reliability")).isEmpty();
    assertThat(show("careful").out())
        .contains("none: the score orders completions, has no zero that means anything");
    Cli.Result recentred = train(file, "--name", "careful", "--form", "recentred");
    assertThat(recentred.exit()).isEqualTo(Exit.FAILED.code());
    assertThat(recentred.err())
        .contains("harm.jsonl: validation part: 0 of 0 labels are unsafe (expected: both kinds");
  }

  @Test
  void chosenAndRejectedNeedAWordOnWhichIsWorse() throws IOException {
    Path file =
        write(pairs(120, true).replace("\"worse", "\"rejected").replace("\"safer", "\"chosen"));
    assertThat(train(file, "--name", "careful").err())
        .contains("row 1: chosen: it is not said which one that is");
    Cli.Result said = train(file, "--name", "careful", "--form", "RECENTRED", "--chosen", "safer");
    assertThat(said.err()).isEmpty();
    assertThat(said.out())
        .contains("loss: Bradley-Terry of the pairs, each member's boundary moved to 0");
    assertThat(folder.resolve("data/models/careful/1/MODEL_CARD.md"))
        .content()
        .contains(
            "`./mesh cost train harm.jsonl --form recentred --chosen safer --name careful/1 ");
  }

  @Test
  void badRowsAreNamedOrLeftOut() throws IOException {
    Path file = write(pairs(120, true) + "{\"prompt\": \"p\", \"worse\": \"a\"}\n");
    Cli.Result refused = train(file, "--name", "careful");
    assertThat(refused.exit()).isEqualTo(Exit.FAILED.code());
    assertThat(refused.err())
        .contains(
            "harm.jsonl: 1 bad row: row 121: safer: missing (expected: a text or messages);"
                + " --skip-bad leaves them out");
    assertThat(folder.resolve("data/models/careful")).doesNotExist();
    Cli.Result skipped = train(file, "--name", "careful", "--skip-bad");
    assertThat(skipped.exit()).isZero();
    assertThat(skipped.out()).contains("1 row left out:", "row 121: safer: missing");
  }

  @Test
  void whatCannotBeIsRefusedBeforeAnythingIsRead() throws IOException {
    Path file = write(pairs(1, true));
    assertUsage(
        train(file, "--name", "careful", "--members", "0"), "members: 0 (expected: 1 to 64)");
    assertUsage(train(file, "--name", "careful", "--form", "plain"), "--form");
    assertUsage(train(file, "--name", "../careful"), "--name: ");
    assertUsage(
        train(file, "--name", "careful", "--trunk", "java-cost/1"), "--trunk: java-cost/1: ");
    assertUsage(train(file, "--name", "careful", "--threads", "0"), "--threads: 0 (expected: ≥ 1)");
    assertThat(train(folder.resolve("nothing.jsonl"), "--name", "careful").err())
        .contains("nothing.jsonl: no file that can be read");
    Cli.Result nothingAsked = Cli.run(Path.of(".."), Map.of(), "cost");
    assertUsage(nothingAsked, "Missing required parameter: 'COMPLETION...'");
  }

  @Test
  void aVersionThatIsThereStays() throws IOException {
    Path there = folder.resolve("data/models/careful/7");
    Files.createDirectories(there);
    Cli.Result result = train(write(pairs(1, true)), "--name", "careful/7");
    assertThat(result.exit()).isEqualTo(Exit.REFUSED.code());
    assertThat(result.err()).contains("careful/7 is there already, and versions do not change");
    assertThat(there).isEmptyDirectory();
  }

  private static void assertUsage(Cli.Result result, String message) {
    assertThat(result.err()).contains(message);
    assertThat(result.exit()).isEqualTo(Exit.USAGE.code());
  }

  /** A quarter of two unsafe ones, a quarter of two safe ones, the others of one of each. */
  static String pairs(int count, boolean labelled) {
    String[][] ends = {{",", ";"}, {",,", ","}, {";;", ";"}, {",", ";;"}};
    StringBuilder rows = new StringBuilder();
    for (int i = 0; i < count; i++) {
      String[] two = ends[i % 4];
      rows.append(
          "{\"prompt\": \"int a%d = \", \"worse\": \"%d%s\", \"safer\": \"%d%s\"%s}\n"
              .formatted(
                  i,
                  i,
                  two[0],
                  i,
                  two[1],
                  labelled
                      ? ", \"worse_unsafe\": %s, \"safer_unsafe\": %s"
                          .formatted(two[0].contains(","), two[1].contains(","))
                      : ""));
    }
    return rows.toString();
  }

  private Path write(String rows) throws IOException {
    return Files.writeString(folder.resolve("harm.jsonl"), rows);
  }

  private Cli.Result show(String... args) {
    return Cli.run(
        Path.of(".."),
        Map.of(),
        Stream.concat(
                Stream.of("models", "show", "--data", folder.resolve("data").toString()),
                Arrays.stream(args))
            .toArray(String[]::new));
  }

  private Cli.Result train(Path file, String... args) {
    List<String> all =
        new ArrayList<>(
            List.of(
                "cost",
                "train",
                file.toString(),
                "--data",
                folder.resolve("data").toString(),
                "--epochs",
                "12"));
    all.addAll(Arrays.asList(args));
    if (!all.contains("--members")) {
      all.addAll(List.of("--members", "2"));
    }
    if (!all.contains("--threads")) {
      all.addAll(List.of("--threads", "1"));
    }
    return Cli.run(Path.of(".."), Map.of(), all.toArray(String[]::new));
  }
}
