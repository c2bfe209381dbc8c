package io.ballast.standalone.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import io.ballast.inference.brought.BroughtManifest;
import io.ballast.inference.brought.BroughtMember;
import io.ballast.inference.brought.LabelReference;
import io.ballast.inference.brought.MemberInput;
import io.ballast.inference.brought.ScoreReading;
import io.ballast.standalone.pull.TinyClassifier;
import io.ballast.standalone.pull.TinyEncoder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** reward adopt makes an ensemble of classifiers, or says in one line what is wrong. */
class RewardAdoptCommandTest {
  @TempDir private Path folder = Path.of(".");

  private Cli.Result run(String... args) {
    return Cli.run(folder, Map.of(), args);
  }

  private Cli.Result adopt(String... args) {
    List<String> all = new ArrayList<>(List.of("reward", "adopt"));
    all.addAll(List.of(args));
    return run(all.toArray(String[]::new));
  }

  private BroughtManifest manifest(String version) {
    return BroughtManifest.read(folder.resolve(".ballast/models").resolve(version));
  }

  @Test
  void aClassifierIsPulledAdoptedAndListed() throws IOException {
    Cli.Result pulled = run("pull", TinyClassifier.write(folder.resolve("judge")).toString());
    assertThat(pulled.err()).isEmpty();
    assertThat(pulled.out())
        .contains("judge/1: a classifier of 1 label on llama, ")
        .contains("Have it judge: ./mesh reward adopt judge/1 --name NAME --template ");

    Cli.Result adopted = adopt("judge", "judge", "--name", "taste", "--chat", "--lower-is-better");
    assertThat(adopted.err()).isEmpty();
    assertThat(adopted.exit()).isZero();
    assertThat(adopted.out())
        .contains("judge/1  chat   − logit", "published: taste/1")
        .contains(
            "1 of 5 usual items is golden; the scales are as stated:",
            "left out: usual items[0]: 38 tokens with what the template adds, limit 32",
            "left out: 1 more; --json tells all")
        .contains("Serve it: ./mesh up --set ballast.reward.default-model=taste");
    assertThat(manifest("taste/1").members())
        .hasSize(2)
        .allSatisfy(
            member -> {
              assertThat(member.input()).isEqualTo(new MemberInput.Chat(false));
              assertThat(member.lowerIsBetter()).isTrue();
              assertThat(member.sha256().orElseThrow()).hasSize(64);
            });
    assertThat(run("models", "folders").out())
        .contains("an ensemble of classifiers: judge/1, judge/1");
  }

  @Test
  void aFolderElsewhereIsPulledFirstAndOptionsReachTheManifest() throws IOException {
    Path source = TinyClassifier.write(folder.resolve("judge"));
    Path reference =
        Files.writeString(
            folder.resolve("answers.jsonl"),
            "{\"prompt\": \"a\", \"completion\": \"b\"}\n\n"
                + "{\"prompt\": \"a\", \"completion\": \"cd\"}\n");
    JsonNode json =
        adopt(
                source.toString(),
                "--name",
                "taste/7",
                "--template",
                "{prompt}>{completion}",
                "--special-tokens",
                "false",
                "--label",
                "reward",
                "--max-tokens",
                "20",
                "--reference",
                reference.toString(),
                "--json")
            .json();
    assertThat(json.path("version").asText()).as(json.toString()).isEqualTo("7");
    assertThat(json.path("golden").size()).isEqualTo(2);
    double a = json.path("golden").path(0).path("scores").path(0).asDouble();
    double b = json.path("golden").path(1).path("scores").path(0).asDouble();
    BroughtMember member = manifest("taste/7").members().getFirst();
    assertThat(member.input()).isEqualTo(new MemberInput.Template("{prompt}>{completion}", false));
    assertThat(member.score()).isEqualTo(new ScoreReading.Logit(new LabelReference.Name("reward")));
    assertThat(member.maxTokens()).isEqualTo(OptionalInt.of(20));
    assertThat(member.scale().mean()).isEqualTo((a + b) / 2);
    assertThat(member.scale().std()).isCloseTo(Math.abs(a - b) / Math.sqrt(2), within(1e-9));
  }

  @Test
  void answersThatAMemberCannotScoreAreLeftOutOnlyIfAskedAndThenTold() throws IOException {
    Path data = folder.resolve("else where's");
    Path source = TinyClassifier.write(folder.resolve("judge"));
    Path reference =
        Files.writeString(
            folder.resolve("answers.jsonl"),
            "{\"prompt\": \"a\", \"completion\": \"b\"}\n\n"
                + "{\"prompt\": \"a\", \"completion\": \"long indeed\"}\n"
                + "{\"prompt\": \"a\", \"completion\": \"cd\"}\n");
    List<String> args =
        List.of(
            source.toString(),
            "--name",
            "taste",
            "--template",
            "{prompt}>{completion}",
            "--max-tokens",
            "8",
            "--reference",
            reference.toString(),
            "--data",
            data.toString());
    Cli.Result refused = adopt(args.toArray(String[]::new));
    assertThat(refused.exit()).isEqualTo(Exit.FAILED.code());
    assertThat(refused.err())
        .contains("1 of 3 reference items is not scored by every member, the first:")
        .contains("answers.jsonl: line 3: ")
        .contains("limit 8; --skip-bad leaves them out");

    List<String> skipping = new ArrayList<>(args);
    skipping.set(0, "judge");
    skipping.add("--skip-bad");
    Cli.Result adopted = adopt(skipping.toArray(String[]::new));
    assertThat(adopted.err()).isEmpty();
    assertThat(adopted.out())
        .contains("mean and std are of 2 of 3 reference items; the first are golden:")
        .contains("left out: answers.jsonl: line 3: ")
        .contains(
            "Serve it: ./mesh up --data '"
                + folder.resolve("else where")
                + "'\\''s' --set ballast.reward.default-model=taste ");
  }

  @Test
  void linesThatNoServerWouldScoreAreNamedOrLeftOut() throws IOException {
    run("pull", TinyClassifier.write(folder.resolve("judge")).toString());
    Path reference =
        Files.writeString(
            folder.resolve("ids.jsonl"),
            """
            {"prompt": [1], "completion": [2]}
            {"prompt": [1], "completion": []}
            {"prompt": [1], "completion": [257]}
            {"prompt": [-1], "completion": [2]}
            {"prompt": [1], "completion": ["two"]}
            {"prompt": [1], "completion": [3]}
            {"prompt": [1], "completion": [4]}
            {"prompt": [1], "completion": [5]}
            """);
    String[] args = {"judge", "--name", "ids", "--tokens", "--reference", reference.toString()};
    Cli.Result refused = adopt(args);
    assertThat(refused.exit()).isEqualTo(Exit.FAILED.code());
    assertThat(refused.err())
        .contains(
            "ids.jsonl: line 5: completion[0]: \"two\" (expected: a token id); --skip-bad leaves");
    assertThat(folder.resolve(".ballast/models/ids")).doesNotExist();

    List<String> skipping = new ArrayList<>(List.of(args));
    skipping.addAll(List.of("--skip-bad", "--json"));
    JsonNode left = adopt(skipping.toArray(String[]::new)).json().path("asked").path("left_out");
    assertThat(left.findValuesAsText("at"))
        .containsExactly(
            "ids.jsonl: line 5", "ids.jsonl: line 2", "ids.jsonl: line 3", "ids.jsonl: line 4");
    assertThat(left.findValuesAsText("why"))
        .containsExactly(
            "completion[0]: \"two\" (expected: a token id)",
            "completion: empty (expected: at least one token)",
            "completion.token_ids[0]: 257 (expected: 0 to 256)",
            "prompt.token_ids[0]: -1 (expected: 0 to 256)");

    Files.writeString(reference, "{\"prompt\": [1], \"completion\": [2]}\n".repeat(3));
    assertThat(adopt(args).err())
        .contains("members[0]: the 3 reference items give no scale, all scores are ");
    Files.writeString(reference, "nothing\n");
    assertThat(
            adopt("judge", "--name", "x", "--tokens", "--skip-bad", "--reference", args[5]).err())
        .contains("ids.jsonl: no line that can be used, 1 bad one (expected: at least two)");
  }

  @Test
  void membersThatDifferComeFromAManifest() throws IOException {
    run("pull", TinyClassifier.write(folder.resolve("judge")).toString());
    Path file =
        Files.writeString(
            folder.resolve("mine.json"),
            """
            {"format": "ballast-brought-reward", "members": [
              {"model": "judge", "version": "1", "input": {"form": "tokens"}, "score": {"kind": "logit"}},
              {"model": "judge", "version": "1", "input": {"form": "tokens"}, "score": {"kind": "logit"},
               "scale": {"mean": 1, "std": 2}}]}
            """);
    Cli.Result adopted = adopt("--manifest", file.toString(), "--name", "ids");
    assertThat(adopted.err()).isEmpty();
    assertThat(manifest("ids/1").readsTokens()).isTrue();
    assertThat(manifest("ids/1").members().get(1).scale().std()).isEqualTo(2);

    Files.writeString(file, Files.readString(file).replace("\"std\": 2", "\"std\": 0"));
    assertThat(adopt("--manifest", file.toString(), "--name", "ids").err())
        .contains("members[1].scale.std: 0.0 (expected: > 0)");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "--special-tokens=true",
        "--score=LOGIT",
        "--label=0",
        "--ratings=1,2",
        "--pooling=mean",
        "--lower-is-better",
        "--mean=1",
        "--std=2",
        "--max-tokens=9"
      })
  void whatAManifestSaysIsNotSaidBesideIt(String option) {
    Cli.Result refused = adopt("--manifest", "mine.json", "--name", "ids", option);
    assertThat(refused.exit()).isEqualTo(Exit.USAGE.code());
    assertThat(refused.err())
        .contains(option.replaceFirst("=.*", "") + ": with --manifest the file says it");
  }

  @Test
  void whatCannotBeIsSaidInOneLine() throws IOException {
    run("pull", TinyClassifier.write(folder.resolve("judge")).toString());
    run("pull", TinyEncoder.write(folder.resolve("compass")).toString());

    Cli.Result unsaid = adopt("judge", "--name", "x");
    assertThat(unsaid.exit()).isEqualTo(Exit.USAGE.code());
    assertThat(unsaid.err()).contains("--manifest=FILE", "--chat", "--template=TEXT", "--tokens");
    assertThat(adopt("judge", "--name", "x", "--label", "0").err()).contains("--chat", "--tokens");
    assertThat(adopt("judge", "--name", "x", "--chat", "--tokens").err())
        .contains("--chat, --tokens are mutually exclusive");
    assertThat(adopt("--name", "x", "--chat").err()).contains("MEMBER: none (expected: one or");
    assertThat(adopt("nobody", "--name", "x", "--chat").err()).contains("there is no model nobody");
    assertThat(adopt("judge", "--name", "../x", "--chat").err()).contains("--name: ");
    assertThat(adopt("judge", "--name", "x", "--template", "{prompt}").err())
        .contains("template: \"{prompt}\" (expected: a text with {completion}");
    assertThat(adopt("judge", "--name", "x", "--chat", "--label", "best").err())
        .contains("members[0].score.label: \"best\" (expected: 0 to 0, or one of [reward])");
    assertThat(adopt("judge", "--name", "x", "--chat", "--std", "0").err())
        .contains("std: 0.0 (expected: > 0)");
    assertThat(adopt("compass", "--name", "x", "--template", "{completion}").err())
        .contains("model.onnx: an encoder of texts (expected: a classifier, with logits)");
    assertThat(adopt("judge", "--name", "x", "--chat", "--max-tokens", "2").err())
        .contains("no golden item can be scored: ")
        .contains("limit 2");
    Path reference = Files.writeString(folder.resolve("bad.jsonl"), "{\"prompt\": 1}\n");
    assertThat(adopt("judge", "--name", "x", "--chat", "--reference", reference.toString()).err())
        .contains("bad.jsonl: line 1: prompt and completion (expected: two texts, or two lists");
    assertThat(folder.resolve(".ballast/models/x")).doesNotExist();

    assertThat(adopt("judge", "--name", "taste/1", "--chat").exit()).isZero();
    Cli.Result again = adopt("judge", "--name", "taste/1", "--chat");
    assertThat(again.exit()).isEqualTo(Exit.REFUSED.code());
    assertThat(again.err()).contains("taste/1 is there already, and versions do not change");
  }
}
