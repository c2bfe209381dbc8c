package io.ballast.orchestrator.adapter;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.ballast.inference.api.PerToken;
import io.ballast.inference.api.TokenIds;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.kit.file.OwnerOnly;
import io.ballast.orchestrator.core.rollout.JudgedCompletion;
import io.ballast.orchestrator.core.rollout.JudgedGroup;
import io.ballast.orchestrator.core.rollout.SampledCompletion;
import io.ballast.orchestrator.core.run.KeptSamples;
import io.ballast.orchestrator.core.run.Run;
import io.ballast.orchestrator.core.run.RunProgress;
import io.ballast.testing.HeardLog;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Collections;
import java.util.List;
import java.util.OptionalDouble;
import java.util.logging.Level;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a skipped update was made of lies where its run's tenant and id say. */
class SkippedSampleFilesTest {
  private static final String RUN_ID = "0c7f0000-0000-4000-8000-000000000002";

  @TempDir private Path root;

  private static Run run() {
    return new Run(
        RUN_ID,
        "acme",
        "tidy",
        "name: tidy",
        new PinnedVersion("tiny", "1", "ab".repeat(32)),
        4,
        Instant.EPOCH,
        RunProgress.queued());
  }

  private static JudgedGroup group(int completions, String text) {
    JudgedCompletion judged =
        new JudgedCompletion(
            new SampledCompletion(
                TokenIds.of(4, 5), text, PerToken.of(-0.5f, Float.NEGATIVE_INFINITY), false),
            1e300,
            OptionalDouble.of(Double.NaN),
            List.of(0.25));
    return new JudgedGroup(
        "int a", TokenIds.of(1, 2), Collections.nCopies(completions, judged), List.of());
  }

  private JsonNode kept(int iteration, List<JudgedGroup> groups) throws IOException {
    String name =
        new SkippedSampleFiles(root).keep(run(), iteration, "loss: NaN", groups).orElseThrow();
    assertThat(name).isEqualTo("skipped-updates/acme/%s/%d.json", RUN_ID, iteration);
    assertThat(Files.size(root.resolve(name))).isLessThanOrEqualTo(1 << 20);
    return StateJson.MAPPER.readTree(root.resolve(name).toFile());
  }

  @Test
  void nobodyButTheirOwnerReadsThem() throws IOException {
    Path samples = root.resolve("skipped-updates/acme").resolve(RUN_ID);
    Files.createDirectories(samples);
    Files.writeString(samples.resolve("7.json.new"), "of a process that was killed");

    assertThat(kept(7, List.of(group(1, "x = 1"))).isEmpty()).isFalse();

    assertThat(OwnerOnly.isOpenToOthers(samples.resolve("7.json"))).isFalse();
    assertThat(samples.resolve("7.json.new")).doesNotExist();
  }

  @Test
  void numbersThatJsonHasNotAreStrings() throws IOException {
    JsonNode json = kept(7, List.of(group(1, "x = 1")));

    assertThat(json.toString())
        .isEqualTo(
            "{\"run_id\":\"%s\",\"run\":\"tidy\",\"iteration\":7,\"why\":\"loss: NaN\","
                    .formatted(RUN_ID)
                + "\"groups\":[{\"prompt\":\"int a\",\"prompt_tokens\":[1,2],\"completions\":["
                + "{\"text\":\"x = 1\",\"truncated\":false,\"label\":\"NONE\",\"tokens\":[4,5],"
                + "\"served_log_probs\":[-0.5,\"-Infinity\"],\"reward\":1.0E300,"
                + "\"spread\":\"NaN\",\"costs\":[0.25]}],\"beside\":[]}],"
                + "\"completions_left_out\":0}");
  }

  @Test
  void whatHasNoRoomIsLeftOutAndCounted() throws IOException {
    JsonNode json = kept(1, List.of(group(3, "é".repeat(200_000)), group(1, "short")));

    assertThat(json.get("groups").get(0).get("completions"))
        .as("two of 400 kB each fit into 1 MiB")
        .hasSize(2);
    assertThat(json.get("groups").get(1).get("completions")).hasSize(1);
    assertThat(json.get("completions_left_out").asInt()).isEqualTo(1);
  }

  @Test
  void theNewestThreeOfARunStay() throws IOException {
    for (int iteration = 8; iteration <= 11; iteration++) {
      var unused = kept(iteration, List.of(group(1, "x")));
    }
    var unused = kept(11, List.of(group(1, "y")));

    try (Stream<Path> files = Files.list(root.resolve("skipped-updates/acme/" + RUN_ID))) {
      assertThat(files.map(file -> String.valueOf(file.getFileName())))
          .containsExactlyInAnyOrder("9.json", "10.json", "11.json");
    }
  }

  @Test
  void allOfARunGoesAndNothingOfAnothers() throws IOException {
    SkippedSampleFiles files = new SkippedSampleFiles(root);
    assertThat(files.runs()).as("none were ever kept").isEmpty();
    var first = kept(1, List.of(group(1, "x")));
    var second = kept(2, List.of(group(1, "x")));
    Path other = Files.createDirectories(root.resolve("skipped-updates/other/run-2"));
    Files.writeString(other.resolve("1.json"), "{}");
    Path elsewhere = Files.createDirectories(root.resolve("elsewhere/run-3"));
    Files.createSymbolicLink(root.resolve("skipped-updates/linked"), root.resolve("elsewhere"));
    Files.createSymbolicLink(root.resolve("skipped-updates/other/run-3"), elsewhere);
    KeptSamples.OfRun mine = new KeptSamples.OfRun("acme", RUN_ID);

    assertThat(files.runs()).containsExactly(mine, new KeptSamples.OfRun("other", "run-2"));
    assertThat(files.delete(mine)).isTrue();

    assertThat(root.resolve("skipped-updates/acme/" + RUN_ID)).doesNotExist();
    assertThat(files.delete(mine)).as("gone already").isFalse();
    assertThat(other.resolve("1.json")).exists();
    assertThat(files.delete(new KeptSamples.OfRun("other", "run-3"))).as("a link").isFalse();
    assertThat(elsewhere).exists();
  }

  @Test
  void whatCannotBeDeletedIsALineAndStaysOnTheList() throws IOException {
    SkippedSampleFiles files = new SkippedSampleFiles(root);
    Path folder = root.resolve("skipped-updates/acme/" + RUN_ID);
    Files.createDirectories(folder.resolve("a person's/own"));
    KeptSamples.OfRun run = new KeptSamples.OfRun("acme", RUN_ID);
    try (HeardLog log = HeardLog.of(SkippedSampleFiles.class.getName(), Level.WARNING)) {
      assertThat(files.delete(run)).isFalse();

      assertThat(log.messages())
          .singleElement()
          .satisfies(line -> assertThat(line).contains(RUN_ID, "could not be deleted"));
    }
    assertThat(files.runs()).containsExactly(run);
  }

  @Test
  void aDiskThatFailsCostsALineAndNoRun() throws IOException {
    Files.writeString(root.resolve("skipped-updates"), "in the way");
    try (HeardLog log = HeardLog.of(SkippedSampleFiles.class.getName(), Level.WARNING)) {
      assertThat(new SkippedSampleFiles(root).keep(run(), 2, "loss: NaN", List.of())).isEmpty();

      assertThat(log.messages())
          .singleElement()
          .satisfies(line -> assertThat(line).contains(RUN_ID, "iteration 2", "could not be kept"));
    }
  }
}
