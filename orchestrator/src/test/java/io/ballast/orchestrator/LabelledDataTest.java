package io.ballast.orchestrator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.orchestrator.adapter.RunTelemetry;
import io.ballast.orchestrator.testing.TestSpecs;
import io.ballast.orchestrator.v1.BadRow;
import io.ballast.orchestrator.v1.PromptSource;
import io.ballast.orchestrator.v1.Run;
import io.ballast.orchestrator.v1.RunState;
import io.ballast.policy.v1.Accepted;
import io.ballast.policy.v1.FeedbackEvent;
import io.ballast.policy.v1.FollowUp;
import io.ballast.policy.v1.Rejected;
import io.ballast.testing.HeardLog;
import io.grpc.Status;
import java.io.IOException;
import java.nio.file.Files;
import java.util.Objects;
import java.util.logging.Level;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Runs that learn from what people said: of files, and while they learn. */
class LabelledDataTest extends RunServiceCase {
  private static String dpo(String prompts) {
    return TestSpecs.onData("labelled", prompts, "algorithm: DPO\n");
  }

  private static String kto(String prompts) {
    return TestSpecs.onData("labelled", prompts, "algorithm: KTO\nsource: DATA\n");
  }

  private void refused(String spec, String message) {
    assertThatThrownBy(() -> mesh.create(spec))
        .satisfies(thrown -> refused(thrown, Status.Code.INVALID_ARGUMENT, message));
  }

  private void pairs() throws IOException {
    Files.writeString(
        mesh.prompts("pairs.jsonl"),
        """
        {"prompt": "int a", "chosen": "aei", "rejected": "xyz"}
        {"prompt": "int b", "chosen": "much too long", "rejected": "w"}
        {"prompt": "int c", "chosen": "a\\nb", "rejected": "w"}
        {"prompt": "int d", "chosen": "same", "rejected": "same"}
        {"prompt": "int e", "chosen": "ou"}
        {"prompt": "int f", "chosen": "ou", "rejected": ""}
        {"prompt": "long x", "chosen": "ou", "rejected": "w"}
        {"prompt": "int g", "chosen": "ou", "rejected": "w\\n"}
        {"prompt": "int h", "chosen": "io", "rejected": "zz"}
        """);
  }

  @Test
  void pairsOfAFileAreLearnedFromAndNothingIsSampled() throws IOException {
    pairs();

    String runId = mesh.create(dpo("{pairs: prompts/pairs.jsonl, max_bad_rows: 6}")).getRunId();
    Run run = mesh.awaitEnd(runId);

    assertThat(run.getState()).isEqualTo(RunState.RUN_STATE_PROMOTED);
    assertThat(run.getIterationsDone()).isEqualTo(3);
    assertThat(mesh.policy.samples).isEmpty();
    PromptSource source = mesh.get(runId).getPromptSources(0);
    assertThat(source.getName()).isEqualTo("prompts/pairs.jsonl");
    assertThat(source.getPromptsCount()).isEqualTo(3);
    assertThat(source.getFirstBadRowsList())
        .extracting(BadRow::getRow, BadRow::getReason)
        .containsExactly(
            org.assertj.core.groups.Tuple.tuple(
                2L, "chosen: 14 tokens with its end, limit 6, rollout.max_new_tokens"),
            org.assertj.core.groups.Tuple.tuple(
                3L,
                "chosen: goes on after a stop string, at character 1 (expected: none of rollout.stop_strings before its end)"),
            org.assertj.core.groups.Tuple.tuple(
                4L, "chosen and rejected are the same text (expected: two)"),
            org.assertj.core.groups.Tuple.tuple(
                5L, "rejected: nothing (expected: text, at least one character)"),
            org.assertj.core.groups.Tuple.tuple(
                6L, "rejected: empty (expected: text, at least one character)"),
            org.assertj.core.groups.Tuple.tuple(
                7L,
                "is also a prompt of the safety test (expected: prompts that were never trained on)"));
  }

  @Test
  void aRowIsLearnedFromWithoutAScoreThatItsRecipeDoesNotRead() throws IOException {
    pairs();
    mesh.rewards.unjudged = "xyz"::equals;

    String runId;
    try (HeardLog log = HeardLog.of(RunTelemetry.class.getName(), Level.WARNING)) {
      runId = mesh.create(dpo("{pairs: prompts/pairs.jsonl, max_bad_rows: 6}")).getRunId();
      mesh.awaitEnd(runId);
      assertThat(log.messages())
          .anySatisfy(
              line ->
                  assertThat(line)
                      .contains(
                          ": 0 completions dropped, 1 learned from without a reward",
                          "two of five members answered"));
    }

    assertThat(mesh.get(runId).getIterationsList())
        .hasSize(3)
        .allSatisfy(
            each -> {
              assertThat(each.getLearning().getTrainedCount()).isEqualTo(4);
              assertThat(each.getDroppedCount()).isZero();
              assertThat(each.getMeanReward()).as("of those that have one").isBetween(0.0, 3.0);
            });
  }

  @Test
  void withoutAnyScoreThereIsNoMeanAndTheRowsAreLearnedFromAllTheSame() throws IOException {
    pairs();
    mesh.rewards.unjudged = completion -> true;

    String runId = mesh.create(dpo("{pairs: prompts/pairs.jsonl, max_bad_rows: 6}")).getRunId();
    Run run = mesh.awaitEnd(runId);

    assertThat(run.getState()).isEqualTo(RunState.RUN_STATE_PROMOTED);
    assertThat(run.getLatest().hasMeanReward()).isFalse();
    assertThat(mesh.get(runId).getIterationsList())
        .hasSize(3)
        .allSatisfy(
            each -> {
              assertThat(each.hasMeanReward()).isFalse();
              assertThat(each.hasMeanSpread()).isFalse();
              assertThat(each.getLearning().getTrainedCount()).isEqualTo(4);
            });
  }

  @Test
  void badRowsRefuseTheRunUnlessTheyAreAllowed() throws IOException {
    pairs();

    refused(
        dpo("{pairs: prompts/pairs.jsonl}"), "prompts.pairs: 6 bad rows, row 2: chosen: 14 tokens");
    refused(
        dpo("{pairs: prompts/none.jsonl}"),
        "prompts.pairs: there is no file 'prompts/none.jsonl' to read");
  }

  @Test
  void ratingsOfAFileAreLearnedFromByKto() throws IOException {
    Files.writeString(
        mesh.prompts("ratings.jsonl"),
        """
        {"prompt": "int a", "completion": "aei", "label": true}
        {"prompt": "int b", "completion": "xyz", "label": false}
        {"prompt": "int c", "completion": "xyz", "label": "no"}
        {"prompt": "int d", "completion": "ou", "label": true}
        """);

    String runId = mesh.create(kto("{ratings: prompts/ratings.jsonl, max_bad_rows: 1}")).getRunId();

    assertThat(mesh.awaitEnd(runId).getState()).isEqualTo(RunState.RUN_STATE_PROMOTED);
    assertThat(mesh.get(runId).getPromptSources(0).getFirstBadRows(0).getReason())
        .isEqualTo("label: a text (expected: true, it is good, or false)");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "pairs   | algorithm: DPO | chosen and rejected are the same text (expected: two)",
        "ratings | algorithm: KTO | label: null (expected: true, it is good, or false)"
      })
  void labelsOfParquetAreThoseOfJsonLines(String rows, String algorithm, String fourth)
      throws IOException {
    try (var parquet = LabelledDataTest.class.getResourceAsStream("/rows/labels.parquet")) {
      Files.write(mesh.prompts("labels.parquet"), Objects.requireNonNull(parquet).readAllBytes());
    }
    Files.writeString(
        mesh.prompts("labels.jsonl"),
        """
        {"prompt": "int a", "chosen": "aei", "rejected": "xyz", "completion": "aei", "label": true}
        {"prompt": "int b", "chosen": null, "rejected": "w", "completion": null, "label": true}
        {"prompt": "int c", "chosen": "\u00e9u", "rejected": "w", "completion": "xyz", "label": false}
        {"prompt": "int d", "chosen": "same", "rejected": "same", "completion": "ou", "label": null}
        {"prompt": "int e", "chosen": "io", "rejected": "zz", "completion": "ou", "label": true}
        """);
    String spec =
        TestSpecs.onData(
            "labelled",
            "{%s: prompts/labels.FORM, max_bad_rows: 2}".formatted(rows),
            algorithm + "\nsource: DATA\npromotion: NEVER\n");

    String lines = mesh.create(spec.replace("FORM", "jsonl")).getRunId();
    Run ofLines = mesh.awaitEnd(lines);
    String columns =
        mesh.create(TestSpecs.testedOnOthers(spec.replace("FORM", "parquet"))).getRunId();
    Run ofColumns = mesh.awaitEnd(columns);

    assertThat(ofColumns.getState()).isEqualTo(RunState.RUN_STATE_HELD);
    assertThat(mesh.numbers(columns)).hasSize(3).isEqualTo(mesh.numbers(lines));
    assertThat(ofColumns.getCandidateVersion().getWeightsSha256())
        .as("the weights, bit for bit")
        .isEqualTo(ofLines.getCandidateVersion().getWeightsSha256());
    PromptSource source = mesh.get(columns).getPromptSources(0);
    assertThat(source.getPromptsCount()).isEqualTo(3);
    assertThat(source.getFirstBadRowsList()).extracting(BadRow::getRow).containsExactly(2L, 4L);
    assertThat(source.getFirstBadRows(1).getReason()).isEqualTo(fourth);
    assertThat(source.getFirstBadRowsList())
        .isEqualTo(mesh.get(lines).getPromptSources(0).getFirstBadRowsList());
    assertThat(mesh.policy.samples).isEmpty();
  }

  @Test
  void labelsWithoutTheirColumnsAreRefused() throws IOException {
    try (var parquet = LabelledDataTest.class.getResourceAsStream("/rows/prompts.parquet")) {
      Files.write(mesh.prompts("rows.parquet"), Objects.requireNonNull(parquet).readAllBytes());
    }

    refused(
        dpo("{pairs: prompts/rows.parquet, column: text}"),
        "prompts.pairs: no column 'chosen' (expected: one of text, group");
    refused(
        kto("{ratings: prompts/rows.parquet, column: text}"),
        "prompts.ratings: no column 'completion' (expected: one of text, group");
  }

  @Test
  void aCurriculumGoesFromEasyRowsToHardOnes() throws IOException {
    Files.writeString(
        mesh.prompts("levels.jsonl"),
        """
        {"prompt": "int c", "level": 3}
        {"prompt": "int a", "level": 1}
        {"prompt": "int n"}
        {"prompt": "int b", "level": 1.5}
        """);
    String curriculum =
        "{file: prompts/levels.jsonl, max_bad_rows: 1, curriculum: {field: level, from: %s, to: 3, over: 2}}";
    String inline = "{inline: [\"int a\", \"int b\", \"int c\", \"int d\", \"int e\"]}";
    String spec = TestSpecs.spec("climbs");

    String runId = mesh.create(spec.replace(inline, curriculum.formatted("1.5"))).getRunId();
    mesh.awaitEnd(runId);

    assertThat(
            mesh.policy.samples.getFirst().getPromptsList().stream()
                .map(prompt -> prompt.getText()))
        .containsExactlyInAnyOrder("int a", "int b");
    assertThat(mesh.get(runId).getPromptSources(0).getFirstBadRows(0))
        .isEqualTo(
            BadRow.newBuilder()
                .setRow(3)
                .setReason("level: nothing (expected: a finite number for the curriculum)")
                .build());
    refused(
        spec.replace(inline, curriculum.formatted("1")),
        "prompts.curriculum.from: 1.0 admits 1 of 3 rows (expected: at least 2, what the first iteration takes; the least level is 1.0)");
    refused(
        spec.replace(inline, curriculum.formatted("1.5").replace(", max_bad_rows: 1", "")),
        "prompts.file: 1 bad row, row 3: level: nothing");
  }

  @Test
  void whatPeopleSayIsLearnedFromOnceAndThenTestedOnNothingOfIt() {
    FeedbackEvent yes =
        FeedbackEvent.newBuilder().setAccepted(Accepted.getDefaultInstance()).build();
    FeedbackEvent no =
        FeedbackEvent.newBuilder().setRejected(Rejected.getDefaultInstance()).build();
    mesh.policy.say("default", "int a", "aei", yes);
    mesh.policy.say("default", "int b", "xyz", no);
    mesh.policy.say(
        "default",
        "int b",
        "xyz",
        FeedbackEvent.newBuilder().setFollowUp(FollowUp.getDefaultInstance()).build());
    mesh.policy.say("default", "long y", "xyz", no);
    mesh.policy.say("default", "int c", "ou", yes);
    mesh.policy.say("other", "int o", "ou", yes);
    mesh.policy.say("default", "int d", "zz", no);
    mesh.policy.say("default", "int e", "e", yes);

    String runId;
    Run run;
    try (HeardLog log = HeardLog.of(RunTelemetry.class.getName(), Level.WARNING)) {
      runId = mesh.create(kto("{feedback: {follow: true}}")).getRunId();
      run = mesh.awaitEnd(runId);
      assertThat(log.messages())
          .as("told with the iteration that left it out")
          .singleElement()
          .satisfies(
              line ->
                  assertThat(line)
                      .contains("learns from 4 prompts of feedback without 1 bad row, row 4: "));
    }

    assertThat(run.getIterationsDone()).isEqualTo(2);
    assertThat(run.getEarlyStopReason())
        .isEqualTo(
            "prompts.feedback: 1 new suggestions that somebody said yes or no to (an iteration takes 2)");
    assertThat(run.getState()).isEqualTo(RunState.RUN_STATE_PROMOTED);
    assertThat(mesh.get(runId).getPromptSourcesList())
        .containsExactly(
            PromptSource.newBuilder()
                .setName("feedback")
                .setPromptsCount(4)
                .setBadRowsCount(1)
                .addFirstBadRows(
                    BadRow.newBuilder()
                        .setRow(4)
                        .setReason(
                            "is also a prompt of the safety test (expected: prompts that were never trained on)"))
                .build());
    assertThat(mesh.policy.feedbackCursors)
        .as("where each iteration read on")
        .containsExactly("", "2", "7");
  }
}
