package io.ballast.standalone.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.ballast.kit.digest.Sha256;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.IntFunction;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** reward train with several objectives makes one version, or says which of them is wrong. */
class RewardObjectivesCommandTest {
  @TempDir private Path folder = Path.of(".");

  private Path love(int count) throws IOException {
    return rows(
        "pairs.jsonl",
        count,
        "{\"prompt\": \"int a%1$d = \", \"chosen\": \"%1$d;\", \"rejected\": \"%1$d,\"}\n"
            ::formatted);
  }

  private Path cost(int count) throws IOException {
    return rows(
        "cost.jsonl",
        count,
        i ->
            "{\"prompt\": \"int b%d = \", \"completion\": \"%d%s\", \"label\": %s}\n"
                .formatted(i / 2, i / 2, i % 2 == 0 ? ";" : ",", i % 2 == 1));
  }

  private Path rows(String name, int count, IntFunction<String> row) throws IOException {
    return Files.writeString(
        folder.resolve(name),
        IntStream.range(0, count).mapToObj(row).collect(Collectors.joining()));
  }

  @Test
  void twoFilesBecomeOneVersionThatShowsBothObjectives() throws IOException {
    Path love = love(100);
    Path cost = cost(200);
    Cli.Result trained =
        train(
            "--objective",
            "love=" + love,
            "--objective",
            "cost=" + cost,
            "--weight",
            "cost=-0.5",
            "--weight",
            "love=1",
            "--name",
            "taste");

    assertThat(trained.err()).isEmpty();
    assertThat(trained.exit()).isZero();
    assertThat(trained.out())
        .contains(
            "reading prompts: 100 %",
            "love: head 1: ",
            "cost: head 0: ",
            "objectives, each standardised: 1.0·love − 0.5·cost",
            "love: judgements: 100 pairs",
            "cost: loss: likelihood of the grades",
            "love (1.0), on what trained nothing",
            "cost (-0.5), on what trained nothing",
            "worst member: the highest",
            "− the weighted sum, worst member",
            "published: taste/1");
    assertThat(folder.resolve("data/models/taste/1/MODEL_CARD.md"))
        .content()
        .contains(
            "`./mesh reward train --objective love=pairs.jsonl --objective cost=cost.jsonl --weight"
                + " love=1.0 --weight cost=-0.5 --name taste/1 --trunk java-tiny/1 --members 2 ");

    Cli.Result shown = show("taste/1");
    assertThat(shown.out().lines().map(line -> line.replaceAll(" +", " ")))
        .contains(
            "calibration not said",
            "objective love weight 1.0; data " + Sha256.of(love),
            "objective cost weight -0.5; data " + Sha256.of(cost))
        .anyMatch(line -> line.matches("member 1 mean .*, temperature not said, .* not said"))
        .anyMatch(line -> line.matches("held out, love accuracy [01]\\.[0-9]{3} of the mean.*"));
    JsonNode json = show("taste/1", "--json").json();
    assertThat(json.path("calibration").isNull()).isTrue();
    assertThat(json.path("normalization").path(0).path("inverse_temperature").isNull()).isTrue();
    JsonNode first = json.path("objectives").path(0);
    assertThat(first.path("name").asText()).isEqualTo("love");
    assertThat(first.path("weight").asDouble()).isEqualTo(1);
    assertThat(first.path("data_sha256").asText()).isEqualTo(Sha256.of(love));
    assertThat(first.path("normalization")).hasSize(2);
    assertThat(first.path("normalization").path(0).path("inverse_temperature").isNumber()).isTrue();
    assertThat(first.path("held_out").path("members")).hasSize(2);
    assertThat(json.path("held_out").path("ensemble").path("cost.cautious_auc").isNumber())
        .isTrue();
  }

  @Test
  void whatIsWrongWithAnObjectiveIsSaidByItsName() throws IOException {
    String love = "love=" + love(3);
    String cost = "cost=" + cost(4);
    usage("--objective: love (expected: NAME=FILE)", "--objective", "love");
    usage("--objective: name: \"Love\" (expected: [a-z]", "--objective", "Love=x.jsonl");
    usage("--objective love: there is no --weight love", "--objective", love);
    usage(
        "--weight cost: there is no --objective cost",
        "--objective",
        love,
        "--weight",
        "love=1",
        "--weight",
        "cost=1");
    usage("--weight love: there is no --objective love", "--weight", "love=1");
    usage("--objective: love is there twice", "--objective", love, "--objective", love);
    usage(
        "--weight: love is there twice",
        "--objective",
        love,
        "--weight",
        "love=1",
        "--weight",
        "love=2");
    for (String weight : List.of("0", "much", "Infinity", "NaN", "1e-9", "1001")) {
      usage(
          "--weight love="
              + weight
              + " (expected: a number, 0.001 to 1000, or the negative of that)",
          "--objective",
          love,
          "--weight",
          "love=" + weight);
    }
    List<String> many = new ArrayList<>();
    for (int o = 0; o < 17; o++) {
      many.addAll(List.of("--objective", "o" + o + "=x.jsonl", "--weight", "o" + o + "=1"));
    }
    usage("--objective: 17 of them (expected: at most 16)", many.toArray(String[]::new));
    usage(
        "one of them",
        folder.resolve("pairs.jsonl").toString(),
        "--objective",
        love,
        "--weight",
        "love=1");
    usage(
        "--own-blocks: not with --objective",
        "--objective",
        cost,
        "--weight",
        "cost=-1",
        "--own-blocks",
        "1");
  }

  private void usage(String message, String... args) {
    Cli.Result result = train(with(args, "--name", "taste"));
    assertThat(result.err()).contains(message);
    assertThat(result.exit()).isEqualTo(Exit.USAGE.code());
  }

  @Test
  void badRowsAndFilesThatSayNothingNameTheObjective() throws IOException {
    Path love = love(100);
    Path bad = rows("bad.jsonl", 3, i -> i == 1 ? "no JSON\n" : "{\"prompt\": \"p\"}\n");
    Cli.Result refused = two(love, bad);
    assertThat(refused.exit()).isEqualTo(Exit.FAILED.code());
    assertThat(refused.err())
        .contains(
            "--objective cost: bad.jsonl: 3 bad rows: row 1: neither chosen and rejected nor"
                + " completion; row 2: column ");
    Cli.Result empty = two(love, rows("empty.jsonl", 0, i -> ""));
    assertThat(empty.exit()).isEqualTo(Exit.FAILED.code());
    assertThat(empty.err()).contains("cost: no judgements (expected: pairs or grades)");
    Cli.Result missing = two(bad, folder.resolve("nothing.jsonl"));
    assertThat(missing.err())
        .as("before any is read")
        .contains("nothing.jsonl: no file that can be read")
        .doesNotContain("bad.jsonl");
    usage( // before a file is looked for
        "--objective love: there is no --weight love", "--objective", "love=nothing.jsonl");
    assertThat(folder.resolve("data/models/taste")).doesNotExist();

    Path partly =
        Files.writeString(
            folder.resolve("partly.jsonl"), Files.readString(cost(200)) + "{\"prompt\": \"p\"}\n");
    Cli.Result skipped = train(with(objectives(love, partly), "--name", "taste", "--skip-bad"));
    assertThat(skipped.exit()).isZero();
    assertThat(skipped.out())
        .contains("1 row left out:", "row 201: cost: neither chosen and rejected");
  }

  private Cli.Result two(Path love, Path cost) {
    return train(with(objectives(love, cost), "--name", "taste"));
  }

  private static String[] objectives(Path love, Path cost) {
    return new String[] {
      "--objective",
      "love=" + love,
      "--objective",
      "cost=" + cost,
      "--weight",
      "love=1",
      "--weight",
      "cost=-1"
    };
  }

  private static String[] with(String[] args, String... more) {
    List<String> all = new ArrayList<>(List.of(args));
    all.addAll(List.of(more));
    return all.toArray(String[]::new);
  }

  private Cli.Result train(String... args) {
    return Cli.run(
        Path.of(".."),
        Map.of(),
        with(
            new String[] {
              "reward",
              "train",
              "--data",
              folder.resolve("data").toString(),
              "--epochs",
              "2",
              "--threads",
              "1",
              "--members",
              "2"
            },
            args));
  }

  private Cli.Result show(String... args) {
    return Cli.run(
        Path.of(".."),
        Map.of(),
        with(new String[] {"models", "show", "--data", folder.resolve("data").toString()}, args));
  }
}
