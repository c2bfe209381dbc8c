package io.ballast.orchestrator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

import io.ballast.orchestrator.testing.TestSpecs;
import io.ballast.orchestrator.v1.BadRow;
import io.ballast.orchestrator.v1.PromptSource;
import io.grpc.Status;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;

/**
 * What a run learns from: files of several forms, mixed by weight, and rows that are no prompts.
 */
class PromptSourcesTest extends RunServiceCase {
  private static final String INLINE =
      "{inline: [\"int a\", \"int b\", \"int c\", \"int d\", \"int e\"]}";

  private static String of(String prompts) {
    return TestSpecs.spec("sources").replace(INLINE, prompts);
  }

  private List<String> sampled() {
    return mesh.policy.samples.stream()
        .flatMap(sample -> sample.getPromptsList().stream())
        .map(prompt -> prompt.getText())
        .toList();
  }

  private void parquet() throws IOException {
    try (var rows = PromptSourcesTest.class.getResourceAsStream("/rows/prompts.parquet")) {
      Files.write(mesh.prompts("rows.parquet"), Objects.requireNonNull(rows).readAllBytes());
    }
  }

  private void refused(String prompts, String message) {
    assertThatThrownBy(() -> mesh.create(of(prompts)))
        .satisfies(thrown -> refused(thrown, Status.Code.INVALID_ARGUMENT, message));
  }

  @Test
  void parquetAndJsonLinesAreMixedByTheirWeights() throws IOException {
    parquet();
    Files.writeString(mesh.prompts("lines.jsonl"), "{\"q\": \"int p\"}\n{\"q\": \"int q\"}\n");

    String runId =
        mesh.create(
                of(
                    """

                      - {file: prompts/rows.parquet, column: text, weight: 1, max_bad_rows: 2}
                      - {file: prompts/lines.jsonl, column: q, weight: 1}
                    """))
            .getRunId();
    mesh.awaitEnd(runId);

    assertThat(sampled()).hasSize(6);
    assertThat(sampled().stream().filter(List.of("int p", "int q")::contains)).hasSize(3);
    assertThat(sampled().stream().filter(List.of("int a", "int é", "int b")::contains)).hasSize(3);
    assertThat(mesh.get(runId).getPromptSourcesList())
        .containsExactly(
            PromptSource.newBuilder()
                .setName("prompts/rows.parquet")
                .setPromptsCount(3)
                .setBadRowsCount(2)
                .addFirstBadRows(
                    BadRow.newBuilder()
                        .setRow(2)
                        .setReason(
                            "no text but null (expected: a JSON string, or an object with the key \"text\")"))
                .addFirstBadRows(
                    BadRow.newBuilder()
                        .setRow(4)
                        .setReason("empty (expected: at least one character)"))
                .build(),
            PromptSource.newBuilder().setName("prompts/lines.jsonl").setPromptsCount(2).build());
  }

  @Test
  void poisonRowsAreLeftOutCountedAndShownWithoutTheirText() throws IOException {
    byte[] lines =
        ("\"int p\"\n"
                + "{\"prompt\": \"secret\", oops}\n"
                + "{\"prompt\": null}\n"
                + "{\"text\": \"secret\"}\n"
                + "\"X\"\n" // becomes a byte that is not UTF-8
                + "{\"prompt\": [\"secret\"]}\n"
                + "\n"
                + "\""
                + "s".repeat(70_000)
                + "\"\n"
                + "\"a\\u0000b\"\n"
                + "\"long y\"\n"
                + "{\"prompt\": \"int q\"}\n")
            .getBytes(StandardCharsets.UTF_8);
    lines[new String(lines, StandardCharsets.UTF_8).indexOf('X')] = (byte) 0xff;
    Files.write(mesh.prompts("poison.jsonl"), lines);

    String runId = mesh.create(of("{file: prompts/poison.jsonl, max_bad_rows: 8}")).getRunId();
    mesh.awaitEnd(runId);

    PromptSource source = mesh.get(runId).getPromptSources(0);
    assertThat(source.getPromptsCount()).isEqualTo(2);
    assertThat(source.getBadRowsCount()).isEqualTo(8);
    assertThat(source.getFirstBadRowsList())
        .extracting(BadRow::getRow)
        .containsExactly(2L, 3L, 4L, 5L, 6L, 8L, 9L, 10L);
    assertThat(source.getFirstBadRowsList())
        .extracting(BadRow::getReason)
        .noneMatch(reason -> reason.contains("secret") || reason.contains("sss"))
        .contains(
            "no JSON from column 22 on",
            "byte 1: not UTF-8",
            "70,000 bytes, limit 65,536",
            "character 1 is U+0000 (expected: text that a database can keep)",
            "is also a prompt of the safety test (expected: prompts that were never trained on)");
    assertThat(sampled()).isSubsetOf("int p", "int q");
  }

  @Test
  void textsBesideTheRewardsAreReadAsRowsAreAndNeverSampledFrom() throws IOException {
    Files.writeString(
        mesh.prompts("texts.jsonl"),
        "{\"text\": \"class A {}\"}\n{\"text\": 3}\n\"long y\"\n\"class B {}\"\n");
    String texts =
        TestSpecs.spec(
            "texts",
            "ptx: {file: prompts/texts.jsonl, coefficient: 0.1, texts_per_update: 1, max_bad_rows: 2}");

    String runId = mesh.create(texts).getRunId();
    mesh.awaitEnd(runId);

    assertThat(mesh.get(runId).getPromptSourcesList())
        .extracting(PromptSource::getName, PromptSource::getPromptsCount)
        .containsExactly(tuple("inline", 5L), tuple("prompts/texts.jsonl", 2L));
    assertThat(mesh.get(runId).getPromptSources(1).getFirstBadRowsList())
        .extracting(BadRow::getReason)
        .satisfiesExactly(
            number -> assertThat(number).startsWith("no text but a number"),
            heldOut -> assertThat(heldOut).startsWith("is also a prompt of the safety test"));
    assertThat(mesh.get(runId).getIterationsList())
        .hasSize(3)
        .allSatisfy(
            each -> assertThat(each.getLearning().getObjectiveMap().get("ptx_loss")).isPositive());
    assertThat(sampled()).isSubsetOf("int a", "int b", "int c", "int d", "int e");
    assertThatThrownBy(() -> mesh.create(texts.replace("max_bad_rows: 2", "max_bad_rows: 1")))
        .hasMessageContaining("ptx.file: 2 bad rows, row 2: no text but a number");
    Files.writeString(mesh.prompts("texts.jsonl"), "3\n");
    assertThatThrownBy(() -> mesh.create(texts.replace("name: texts", "name: none")))
        .hasMessageContaining("ptx.file: no text (expected: at least one)");
  }

  @Test
  void moreBadRowsThanAllowedRefuseTheRunWithTheFirstOnes() throws IOException {
    Files.writeString(mesh.prompts("bad.jsonl"), "\"int p\"\n{}\n\"int q\"\n3\n".repeat(4));

    refused(
        "{file: prompts/bad.jsonl}",
        "prompts.file: 8 bad rows, row 2: no text but nothing (expected: a JSON string, or an object with the key \"prompt\"); row 4: no text but a number");
    refused(
        "{file: prompts/bad.jsonl, max_bad_rows: 7}", "; … (expected: at most 7, max_bad_rows)");
    refused(
        "[{inline: [\"int p\"]}, {file: prompts/bad.jsonl}]",
        "prompts[1].file: 8 bad rows, row 2: no text");
    assertThat(mesh.create(of("{file: prompts/bad.jsonl, max_bad_rows: 8}")).getRunId())
        .isNotEmpty();
  }

  @Test
  void ofPromptsThatAreHeldOutNoRowMayBeBad() throws IOException {
    Files.writeString(mesh.prompts("held.jsonl"), "\"held p\"\n{}\n\"held q\"\n");
    String spec =
        TestSpecs.spec("held")
            .replace(
                "prompts: {inline: [\"long x\", \"long y\", \"long z\"]}",
                "prompts: {file: prompts/held.jsonl}");

    assertThatThrownBy(() -> mesh.create(spec))
        .hasMessageContaining("safety_test.prompts.file: 1 bad row, row 2: no text")
        .hasMessageContaining("(expected: none, of prompts that are held out)");
  }

  @Test
  void aFileThatIsNoneIsNamed() throws IOException {
    parquet();
    byte[] whole = Files.readAllBytes(mesh.prompts("rows.parquet"));
    Files.write(mesh.prompts("cut.parquet"), java.util.Arrays.copyOf(whole, whole.length / 2));
    Files.write(
        mesh.prompts("cut.jsonl"), new byte[] {0x1f, (byte) 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 1});
    Files.write(mesh.prompts("begun.jsonl"), HexFormat.of().parseHex("1f8b0867617262616765"));

    refused(
        "{file: prompts/rows.parquet}",
        "prompts.file: no column 'prompt' (expected: one of text, group");
    refused("{file: prompts/cut.parquet, column: text}", "prompts.file: no whole Parquet file");
    refused("{file: prompts/cut.jsonl}", "prompts.file: no whole gzip file");
    refused("{file: prompts/begun.jsonl}", "prompts.file: no whole gzip file");
  }

  @Test
  void aSourceThatIsSmallerThanItsShareIsRefused() {
    refused(
        "[{inline: [\"int a\"], weight: 3}, {inline: [\"int b\", \"int c\"]}]",
        "prompts[0]: 1 prompts (expected: at least 2, its share of the 2 of an iteration)");
  }
}
