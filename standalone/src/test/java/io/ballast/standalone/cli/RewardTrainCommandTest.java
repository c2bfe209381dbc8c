package io.ballast.standalone.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.google.protobuf.Timestamp;
import io.ballast.inference.store.ModelManifest;
import io.ballast.kit.build.CodeVersion;
import io.ballast.kit.digest.Sha256;
import io.ballast.mesh.v1.ModelVersion;
import io.ballast.policy.v1.Accepted;
import io.ballast.policy.v1.Completion;
import io.ballast.policy.v1.Decision;
import io.ballast.policy.v1.Edited;
import io.ballast.policy.v1.FeedbackEvent;
import io.ballast.policy.v1.Rejected;
import io.ballast.policy.v1.StreamTrainingRecordsRequest;
import io.ballast.policy.v1.SuggestResponse;
import io.ballast.policy.v1.SuggestionRecord;
import io.ballast.policy.v1.TrainingRecord;
import io.grpc.Status;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
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
  void showSaysWhatAVersionWasMadeOfAndWhatAnOlderOneDoesNotSay() throws IOException {
    Path file = pairs(80, "");
    assertThat(train(file, "--name", "taste").exit()).isZero();

    Cli.Result shown = show("taste/1");
    assertThat(shown.exit()).isZero();
    String tokenizer = Sha256.of(Path.of("../models/java-tiny/1/tokenizer.json"));
    assertThat(shown.out().lines().map(line -> line.replaceAll(" +", " ")))
        .contains(
            "version taste/1",
            "what 2 reward_ensemble heads on java-tiny/1",
            "trunk here the same weights, tokenizer and chat template",
            "tokenizer " + tokenizer,
            "chat template none",
            "data " + Sha256.of(file),
            "code " + CodeVersion.built())
        .anyMatch(line -> line.matches("member 1 mean .*, std .*, temperature .*, held-out .*"))
        .anyMatch(line -> line.matches("held out accuracy .* members agree on [01]\\.[0-9]{3}"))
        .anyMatch(line -> line.matches("golden scores [0-9]+ items, to 0\\.001"));
    JsonNode json = show("taste", "--json").json();
    assertThat(json.path("trunk_reference").path("tokenizer_sha256").asText()).isEqualTo(tokenizer);
    assertThat(json.path("data_sha256").asText()).isEqualTo(Sha256.of(file));
    assertThat(json.path("normalization")).hasSize(2);

    Cli.Result older = show("java-reward");
    assertThat(older.out().lines().map(line -> line.replaceAll(" +", " ")))
        .contains(
            "tokenizer not said",
            "chat template not said",
            "data not said",
            "code not said",
            "trunk here the same weights; how it read texts is not said");
    assertThat(show("java-reward", "--json").json().path("code_version").isNull()).isTrue();
    assertThat(show("nobody").err()).contains("there is no model nobody");
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
    assertThat(skipped.out()).contains("1 row left out:", "row 81: rejected: missing");
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
    assertThat(missing.exit()).isEqualTo(Exit.USAGE.code());
    assertThat(missing.err()).contains("nothing.jsonl: no file that can be read");
    Cli.Result little = train(pairs(1, ""), "--name", "taste");
    assertThat(little.exit()).isEqualTo(Exit.FAILED.code());
    assertThat(little.err()).contains("pairs.jsonl: ", "part: no pairs (expected: judgements of");
  }

  @Test
  void theFeedbackOfAMeshBecomesAVersionThatSaysWhatItWasTrainedOn() throws IOException {
    try (FakeMesh mesh = new FakeMesh()) {
      for (int i = 0; i < 120; i++) {
        mesh.trainingRecords.add(
            record(i, event -> event.setAccepted(Accepted.getDefaultInstance())));
        mesh.trainingRecords.add(
            record(i, event -> event.setRejected(Rejected.getDefaultInstance())));
      }
      mesh.trainingRecords.add( // more than was suggested
          record(120, event -> event.setEdited(Edited.newBuilder().setKeptCharacters(99))));

      Cli.Result result =
          train(
              mesh,
              "--from-feedback",
              "--since",
              "2026-11-01",
              "--tenant",
              "acme",
              "--split-by",
              "time",
              "--per-user",
              "1000",
              "--name",
              "taste");

      assertThat(result.err()).isEmpty();
      assertThat(result.exit()).isZero();
      assertThat(result.out())
          .contains(
              "1 row left out:",
              "row 241: event e120: 99 characters kept of 2",
              "feedback: 241 events; 240 suggestions of 1 user, at most 1,000 of one",
              "suggested by: java-tiny/1 240",
              "prompts, split by time: 96 to train, 12 to stop and calibrate, 12 to measure",
              "loss: likelihood of the grades",
              "published: taste/1");
      StreamTrainingRecordsRequest asked = mesh.asked(StreamTrainingRecordsRequest.class);
      assertThat(asked.getMetadata().getTenant()).isEqualTo("acme");
      assertThat(asked.getSinceTime().getSeconds()).isEqualTo(1793491200);
      assertThat(folder.resolve("data/models/taste/1/MODEL_CARD.md"))
          .content()
          .contains(
              "`./mesh reward train --from-feedback --since 2026-11-01T00:00:00Z --feedback-form"
                  + " grades --per-user 1000 --most 50000 --name taste/1 ");
    }
  }

  @Test
  void aMeshThatIsAwayOrAFileBesideItsFeedbackIsSaidSo() throws IOException {
    try (FakeMesh mesh = new FakeMesh()) {
      assertUsage(
          train(mesh, "--name", "taste"),
          "give a FILE of judgements, --objective with --weight, or --from-feedback, one of them");
      assertUsage(
          train(mesh, pairs(1, "").toString(), "--from-feedback", "--name", "taste"),
          "give a FILE of judgements, --objective with --weight, or --from-feedback, one of them");
      assertUsage(
          train(mesh, "--from-feedback", "--since", "yesterday", "--name", "taste"),
          "'yesterday' is no time such as 2026-11-01");
      assertUsage(
          train(mesh, "--from-feedback", "--per-user", "0", "--name", "taste"),
          "feedback of one user: 0;");
      Cli.Result nothing = train(mesh, "--from-feedback", "--name", "taste");
      assertThat(nothing.exit()).isEqualTo(Exit.FAILED.code());
      assertThat(nothing.err())
          .contains("the feedback: no judgements (expected: pairs or grades); feedback: 0 events;");
      mesh.failure = Status.UNAVAILABLE;
      Cli.Result away = train(mesh, "--from-feedback", "--name", "taste");
      assertThat(away.exit()).isEqualTo(Exit.UNREACHABLE.code());
      assertThat(away.err()).contains("no mesh answers at");
    }
    assertThat(folder.resolve("data/models/taste")).doesNotExist();
  }

  /** Suggestion {@code i}, "i;" if it was accepted and "i," if not. */
  private static TrainingRecord record(int i, UnaryOperator<FeedbackEvent.Builder> what) {
    FeedbackEvent event =
        what.apply(
                FeedbackEvent.newBuilder()
                    .setEventTime(Timestamp.newBuilder().setSeconds(1_800_000_000L + i)))
            .build();
    String id = event.hasAccepted() ? "a" + i : "r" + i;
    return TrainingRecord.newBuilder()
        .setEventId("e" + i)
        .setEvent(event.toBuilder().setSuggestionId(id))
        .setSuggestion(
            SuggestionRecord.newBuilder()
                .setUser("ann")
                .setPrompt("int a" + i + " = ")
                .setCompletion(Completion.newBuilder().setText(event.hasAccepted() ? "1;" : "1,"))
                .setResponse(
                    SuggestResponse.newBuilder()
                        .setSuggestionId(id)
                        .setDecision(Decision.DECISION_SHOW)
                        .setPolicyVersion(
                            ModelVersion.newBuilder().setModel("java-tiny").setVersion("1"))))
        .build();
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
    return train(Map.of(), Stream.concat(Stream.of(file.toString()), Arrays.stream(args)));
  }

  private Cli.Result train(FakeMesh mesh, String... args) {
    return train(Map.of("BALLAST_TARGET", mesh.address()), Arrays.stream(args));
  }

  private Cli.Result train(Map<String, String> environment, Stream<String> args) {
    List<String> all =
        new ArrayList<>(
            List.of(
                "reward",
                "train",
                "--data",
                folder.resolve("data").toString(),
                "--epochs",
                "2",
                "--threads",
                "1"));
    all.addAll(args.toList());
    if (!all.contains("--members")) {
      all.addAll(List.of("--members", "2"));
    }
    return Cli.run(Path.of(".."), environment, all.toArray(String[]::new));
  }
}
