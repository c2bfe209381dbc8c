package io.ballast.training.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.inference.chat.ChatMessage;
import io.ballast.training.data.Judgement.Grade;
import io.ballast.training.data.Judgement.Pair;
import io.ballast.training.data.PromptText.Dialogue;
import io.ballast.training.data.PromptText.Plain;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Instant;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * A file of judgements is read as TRL and OpenRLHF write it, and a row that says nothing is named.
 */
class JudgementFileTest {
  @TempDir private Path folder;

  @Test
  void aPairAsTrlWritesIt() throws Exception {
    assertThat(read("{'prompt': 'Sky?', 'chosen': 'blue', 'rejected': 'green'}"))
        .containsExactly(new Pair(new Plain("Sky?"), "blue", "green", 0, 1, new Source(1, "", "")));
  }

  @Test
  void aPairAsOpenRlhfWritesItWithAllThatMayBeSaid() throws Exception {
    assertThat(
            read(
                "{'input': 'Sky?', 'chosen': 'blue', 'rejected': 'green', 'margin': 0.5, 'weight':"
                    + " 2, 'user': 'u7', 'annotator': 3, 'id': 'not read'}"))
        .containsExactly(
            new Pair(new Plain("Sky?"), "blue", "green", 0.5, 2, new Source(1, "u7", "3")));
  }

  @Test
  void aRowMaySayWhenSomebodyJudgedAndWhatWasJudged() throws Exception {
    assertThat(
            read(
                "{'prompt': 'Sky?', 'completion': 'blue', 'label': true, 'time':"
                    + " '2026-11-27T10:30:00+01:00', 'policy_version': 'java-tiny/1'}"))
        .containsExactly(
            new Grade(
                new Plain("Sky?"),
                "blue",
                1,
                1,
                new Source(
                    1, "", "", Optional.of(Instant.parse("2026-11-27T09:30:00Z")), "java-tiny/1")));
  }

  @Test
  void aPairOfConversationsSharesItsPrompt() throws Exception {
    String asked = "{'role': 'user', 'content': 'Sky?'}";
    assertThat(
            read(
                "{'chosen': [%s, {'role': 'assistant', 'content': 'blue'}], 'rejected': [%s, {'role': 'assistant', 'content': 'green'}]}"
                    .formatted(asked, asked)))
        .containsExactly(
            new Pair(
                new Dialogue(List.of(new ChatMessage("user", "Sky?"))),
                "blue",
                "green",
                0,
                1,
                new Source(1, "", "")));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      value = {
        // both words whole: they differ in their last letter
        "the cat sat  | the car       | the     | \" cat sat\" | \" car\"",
        // one ends where the other goes on: no half of "cats"
        "the cat x    | the cats      | the     | \" cat x\"   | \" cats\"",
        // one is the beginning of the other: neither may be empty
        "it is        | it is so      | it      | \" is\"      | \" is so\"",
        "yes          | no            | \"\"    | yes          | no",
      })
  void aPromptThatIsNotGivenIsTheSharedBeginning(
      String chosen, String rejected, String prompt, String better, String other) throws Exception {
    assertThat(read("{'chosen': '%s', 'rejected': '%s'}".formatted(chosen, rejected)))
        .containsExactly(new Pair(new Plain(prompt), better, other, 0, 1, new Source(1, "", "")));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      value = {
        "'label': true                                 | 1",
        "'label': 0                                    | 0",
        "'rating': 2, 'minimum': 1, 'maximum': 5       | 0.25", // (2 − 1)/(5 − 1)
        "'rating': 5, 'minimum': 1, 'maximum': 5       | 1",
        "'rating': 0, 'minimum': -4, 'maximum': 4      | 0.5",
        "'reaction': 'LOVE'                            | 1",
        "'reaction': 'LIKE'                            | 0",
        "'reaction': 'NONE'                            | 0",
      })
  void aGradeIsBetweenNoughtAndOne(String fields, double grade) throws Exception {
    assertThat(read("{'prompt': 'p', 'completion': 'c', " + fields + "}"))
        .containsExactly(new Grade(new Plain("p"), "c", grade, 1, new Source(1, "", "")));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      value = {
        "[1]                                             | a list (expected: a JSON object)",
        "{'prompt': 'p', 'chosen': 'a'}                  | rejected: missing (expected: a text or messages)",
        "'what somebody wrote'                           | a text of 19 characters (expected: a JSON object)",
        "{'prompt': 'p', 'completion': 'c', 'label': 'what somebody wrote'} | label: a text of 19 characters (expected: true, false, 1 or 0)",
        "{'prompt': 'p', 'chosen': 7, 'rejected': 'b'}   | chosen: 7 (expected: a text or messages)",
        "{'prompt': 'p', 'chosen': 'a', 'rejected': ''}  | rejected: empty (expected: at least one character)",
        "{'prompt': 'p', 'chosen': 'a', 'rejected': 'a'} | chosen and rejected are the same text",
        "{'chosen': 'a', 'rejected': 'a'}                | chosen and rejected are the same text",
        "{'prompt': 'p'}                                 | neither chosen and rejected nor completion",
        "{'prompt': 'p', 'chosen': 'a', 'completion': 'c'} | both a pair and a grade (expected: chosen and rejected, or completion)",
        "{'prompt': 'p', 'input': 'q', 'chosen': 'a', 'rejected': 'b'} | both prompt and input (expected: one of them)",
        "{'chosen': 'a', 'rejected': 'b', 'margin': -1}  | margin: -1.0 (expected: ≥ 0)",
        "{'chosen': 'a', 'rejected': 'b', 'margin': 1e999} | margin: Infinity (expected: a finite number)",
        "{'chosen': 'a', 'rejected': 'b', 'margin': null} | margin: null (expected: a finite number)",
        "{'chosen': 'a', 'rejected': 'b', 'weight': 0}   | weight: 0.0 (expected: > 0)",
        "{'chosen': 'a', 'rejected': 'b', 'user': []}    | user: a list (expected: a text)",
        "{'chosen': 'a', 'rejected': [{'role': 'user', 'content': 'b'}]} | chosen and rejected: a text and messages (expected: both texts or both messages)",
        "{'prompt': 'p', 'chosen': [{'role': 'user'}], 'rejected': 'b'} | chosen[0]: an object (expected: {\"role\": text, \"content\": text})",
        "{'prompt': 'p', 'chosen': [], 'rejected': 'b'}  | chosen: 0 messages beyond the prompt (expected: one, the model's)",
        "{'prompt': 'p', 'completion': 'c'}              | no grade (expected: one of label, rating, reaction)",
        "{'prompt': 'p', 'completion': 'c', 'label': 0.5} | label: 0.5 (expected: true, false, 1 or 0)",
        "{'completion': 'c', 'label': 1}                 | prompt: missing (expected: a text or messages)",
        "{'prompt': 'p', 'completion': 'c', 'label': 1, 'rating': 1} | grades [label, rating] (expected: one of label, rating, reaction)",
        "{'prompt': 'p', 'completion': 'c', 'rating': 6, 'minimum': 1, 'maximum': 5} | rating: 6.0 of 1.0 to 5.0 (expected: minimum ≤ rating ≤ maximum)",
        "{'prompt': 'p', 'completion': 'c', 'rating': 6, 'minimum': 1} | maximum: missing (expected: a number)",
        "{'prompt': 'p', 'completion': 'c', 'reaction': 'ANGRY'} | reaction: ANGRY (expected: one of [LOVE, LIKE, DISLIKE, NONE])",
        "{'prompt': '\\ud800', 'chosen': 'a', 'rejected': 'b'} | prompt: character 0 is a lone surrogate (expected: valid UTF-8)",
      })
  void aRowThatSaysNothingIsNamed(String row, String reason) {
    assertThatThrownBy(() -> read(row))
        .isInstanceOf(BadRowsException.class)
        .hasMessage("pairs.jsonl: 1 bad row: row 1: " + reason);
  }

  @Test
  void whatIsNotJsonIsNamedByItsColumn() {
    assertThatThrownBy(() -> read("{'prompt': 'p', "))
        .isInstanceOf(BadRowsException.class)
        .hasMessageStartingWith("pairs.jsonl: 1 bad row: row 1: column ")
        .hasMessageContaining("not JSON");
    assertThatThrownBy(() -> read("{'chosen': 'a', 'chosen': 'b', 'rejected': 'c'}"))
        .hasMessageContaining("Duplicate field 'chosen'");
    assertThatThrownBy(() -> read("{'chosen': 'a', 'rejected': 'c'} {}"))
        .hasMessageContaining("not JSON");
    assertThatThrownBy(() -> read("{'prompt': what somebody wrote}"))
        .hasMessageContaining("not JSON: Unrecognized token")
        .hasMessageNotContaining("what");
  }

  @Test
  void badRowsAreAllNamedOrLeftOutAndCounted() throws Exception {
    String good = "{'chosen': 'a', 'rejected': 'b'}";
    String rows = good + "\n\n7\n" + good + "\n8";
    assertThatThrownBy(() -> read(rows))
        .isInstanceOfSatisfying(
            BadRowsException.class,
            e -> {
              assertThat(e.count()).isEqualTo(2);
              assertThat(e.shown()).extracting(BadRow::row).containsExactly(3L, 5L);
            })
        .hasMessage(
            "pairs.jsonl: 2 bad rows: row 3: 7 (expected: a JSON object); row 5: 8 (expected: a"
                + " JSON object)");
    JudgementData data = new JudgementFile(RowLimits.defaults(), true).read(file(rows));
    assertThat(data.judgements()).extracting(j -> j.source().row()).containsExactly(1L, 4L);
    assertThat(data.badRowCount()).isEqualTo(2);
    assertThat(data.badRows()).extracting(BadRow::row).containsExactly(3L, 5L);
  }

  @Test
  void aSmallFileThatUnpacksToALargeOneIsLeftWhenItIsTooLarge() throws IOException {
    String row = "{\"chosen\": \"%s\", \"rejected\": \"b\"}\n".formatted("a".repeat(1_000));
    Path file = folder.resolve("bomb.jsonl.gz");
    try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(file))) {
      out.write(row.repeat(5_000).getBytes(StandardCharsets.UTF_8));
    }
    assertThat(Files.size(file)).isLessThan(50_000);

    assertThatThrownBy(
            () -> new JudgementFile(RowLimits.defaults(), true, 1_000_000, 100_000).read(file))
        .isInstanceOf(TooLargeException.class)
        .hasMessage("row 97: more than 1,000,000 judgements or 100,000 characters, the limit");
    assertThatThrownBy(
            () -> new JudgementFile(RowLimits.defaults(), true, 10, Long.MAX_VALUE).read(file))
        .isInstanceOf(TooLargeException.class)
        .hasMessageStartingWith("row 11: more than 10 judgements");
  }

  @Test
  void ofManyBadRowsTheFirstAreKeptAndAllAreCounted() throws Exception {
    JudgementData data =
        new JudgementFile(RowLimits.defaults(), true).read(file("7\n".repeat(1_000)));
    assertThat(data.badRowCount()).isEqualTo(1_000);
    assertThat(data.badRows()).hasSize(100);
  }

  @Test
  void aLineOrTextBeyondItsLimitFailsAlone() throws Exception {
    String row = "{'prompt': '" + "x".repeat(40) + "', 'chosen': 'a', 'rejected': 'b'}";
    String rows = "y".repeat(200_000) + "\n" + row + "\n{'chosen': 'a', 'rejected': 'b'}";
    JudgementData data = new JudgementFile(new RowLimits(100, 39), true).read(file(rows));
    assertThat(data.badRows())
        .containsExactly(
            new BadRow(1, "200,000 bytes, limit 100"), new BadRow(2, "prompt: 40 bytes, limit 39"));
    assertThat(data.judgements()).hasSize(1);
  }

  @Test
  void bytesThatAreNoTextFailAlone() throws Exception {
    Path file = folder.resolve("pairs.jsonl");
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    bytes.writeBytes(json("{'chosen': '").getBytes(StandardCharsets.UTF_8));
    bytes.write(0xff);
    bytes.writeBytes(json("', 'rejected': 'b'}\r\n").getBytes(StandardCharsets.UTF_8));
    bytes.writeBytes(json("{'chosen': 'ä', 'rejected': 'b'}\r\n").getBytes(StandardCharsets.UTF_8));
    Files.write(file, bytes.toByteArray());
    JudgementData data = new JudgementFile(RowLimits.defaults(), true).read(file);
    assertThat(data.badRows()).containsExactly(new BadRow(1, "byte 12: not UTF-8"));
    assertThat(data.judgements()).hasSize(1);
  }

  @Test
  void aByteOrderMarkIsNoFault() throws Exception {
    assertThat(read('\uFEFF' + "{'chosen': 'a', 'rejected': 'b'}")).hasSize(1);
  }

  @Test
  void aCompressedFileIsReadByItsContentAndItsDigestIsTheFiles() throws Exception {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (GZIPOutputStream gzip = new GZIPOutputStream(bytes)) {
      gzip.write(json("{'chosen': 'a', 'rejected': 'b'}\n").getBytes(StandardCharsets.UTF_8));
    }
    Path file = folder.resolve("pairs.jsonl");
    Files.write(file, bytes.toByteArray());
    JudgementData data = new JudgementFile(RowLimits.defaults(), false).read(file);
    assertThat(data.judgements()).hasSize(1);
    assertThat(data.sha256())
        .isEqualTo(
            HexFormat.of()
                .formatHex(MessageDigest.getInstance("SHA-256").digest(bytes.toByteArray())));
  }

  @Test
  void halfACompressedFileIsNoShorterFile() throws Exception {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (GZIPOutputStream gzip = new GZIPOutputStream(bytes)) {
      gzip.write(
          json("{'chosen': 'a', 'rejected': 'b'}\n").repeat(100).getBytes(StandardCharsets.UTF_8));
    }
    Path file = folder.resolve("pairs.jsonl");
    Files.write(file, Arrays.copyOf(bytes.toByteArray(), bytes.size() - 9));
    assertThatThrownBy(() -> new JudgementFile(RowLimits.defaults(), true).read(file))
        .isInstanceOf(IOException.class);
  }

  @Test
  void anEmptyFileHoldsNothing() throws Exception {
    assertThat(read("")).isEmpty();
  }

  private List<Judgement> read(String rows) throws IOException, BadRowsException {
    return new JudgementFile(RowLimits.defaults(), false).read(file(rows)).judgements();
  }

  private Path file(String rows) throws IOException {
    Path file = folder.resolve("pairs.jsonl");
    Files.writeString(file, json(rows));
    return file;
  }

  private static String json(String text) {
    return text.replace("model's", "model`s").replace('\'', '"').replace('`', '\'');
  }
}
