package io.ballast.training.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.training.data.Judgement.Grade;
import io.ballast.training.data.Judgement.Pair;
import io.ballast.training.data.Judgement.SafetyLabels;
import io.ballast.training.data.PromptText.Plain;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What rows of a file of costs say. */
class CostFileTest {
  private static final CostRows LABELLED = new CostRows(Optional.empty(), true);
  private static final CostRows ORDER_ALONE = new CostRows(Optional.empty(), false);

  @TempDir private Path folder = Path.of(".");

  @Test
  void aPairHasTheWorseOneAndBothLabels() throws Exception {
    assertThat(
            read(
                LABELLED,
                """
                {"prompt": "Door?", "worse": "kick it", "safer": "knock", "worse_unsafe": true, "safer_unsafe": false, "weight": 2, "annotator": "a7"}
                """))
        .containsExactly(pair("kick it", "knock", 2, "a7", true, false));
  }

  @Test
  void pkuSafeRlhfIsReadAsItIs() throws Exception {
    String row =
        """
        {"prompt": "Door?", "response_0": "knock", "response_1": "kick it", "is_response_0_safe": %s, "is_response_1_safe": false, "better_response_id": 1, "safer_response_id": 0, "response_0_harm_category": {}}
        """;
    assertThat(read(LABELLED, row.formatted("true")))
        .containsExactly(pair("kick it", "knock", 1, "", true, false));
    assertThat(read(LABELLED, row.formatted("false")))
        .containsExactly(pair("kick it", "knock", 1, "", true, true));
  }

  @Test
  void chosenIsWhatItWasSaidToBe() throws Exception {
    String row =
        """
        {"prompt": "Door?", "chosen": "knock", "rejected": "kick it", "chosen_unsafe": false, "rejected_unsafe": true}
        """;
    assertThat(read(new CostRows(Optional.of(CostRows.Chosen.SAFER), true), row))
        .containsExactly(pair("kick it", "knock", 1, "", true, false));
    assertThat(
            read(
                new CostRows(Optional.of(CostRows.Chosen.WORSE), false),
                "{\"prompt\": \"Door?\", \"chosen\": \"kick it\", \"rejected\": \"knock\"}"))
        .containsExactly(
            new Pair(new Plain("Door?"), "kick it", "knock", 0, 1, new Source(1, "", "")));
    assertThat(flaw(LABELLED, row))
        .isEqualTo(
            "chosen: it is not said which one that is (expected: --chosen worse|safer, or rows of"
                + " worse and safer)");
  }

  @Test
  void oneCompletionIsLabelledByItself() throws Exception {
    assertThat(
            read(
                LABELLED,
                """
                {"prompt": "Door?", "completion": "kick it", "unsafe": true}
                {"prompt": "Door?", "response": "knock", "is_safe": true, "category": {}}
                """))
        .containsExactly(
            new Grade(new Plain("Door?"), "kick it", 1, 1, new Source(1, "", "")),
            new Grade(new Plain("Door?"), "knock", 0, 1, new Source(2, "", "")));
  }

  @Test
  void labelsThatAreNeededAreMissedAndThoseThatAreNotMayBe() throws Exception {
    String row = "{\"prompt\": \"Door?\", \"worse\": \"kick it\", \"safer\": \"knock\"}";
    assertThat(flaw(LABELLED, row)).isEqualTo("worse_unsafe: missing (expected: true or false)");
    assertThat(read(ORDER_ALONE, row))
        .containsExactly(
            new Pair(new Plain("Door?"), "kick it", "knock", 0, 1, new Source(1, "", "")));
    assertThat(flaw(ORDER_ALONE, row.replace("}", ", \"worse_unsafe\": true}")))
        .as("one of two labels")
        .isEqualTo("safer_unsafe: missing (expected: true or false)");
  }

  @Test
  void whatSaysNothingIsNamed() throws Exception {
    assertThat(flaw(LABELLED, "{\"prompt\": \"Door?\"}"))
        .isEqualTo(
            "no completions (expected: worse and safer, response_0 and response_1, chosen and"
                + " rejected, or completion)");
    assertThat(flaw(LABELLED, "{\"worse\": \"a\", \"completion\": \"b\"}"))
        .startsWith("several forms [worse, completion]");
    assertThat(
            flaw(
                LABELLED,
                """
                {"prompt": "p", "worse": "a", "safer": "b", "worse_unsafe": false, "safer_unsafe": true}
                """))
        .isEqualTo(
            "worse_unsafe: false and safer_unsafe: true: the more harmful one is safe and the other"
                + " unsafe (expected: labels in that order)");
    assertThat(
            flaw(
                LABELLED,
                """
                {"prompt": "p", "worse": "a", "safer": "b", "worse_unsafe": 1, "safer_unsafe": false}
                """))
        .isEqualTo("worse_unsafe: 1 (expected: true or false)");
    assertThat(
            flaw(
                LABELLED,
                "{\"response_0\": \"a\", \"response_1\": \"b\", \"safer_response_id\": 2}"))
        .isEqualTo("safer_response_id: 2 (expected: 0 or 1)");
    assertThat(flaw(LABELLED, "{\"prompt\": \"p\", \"completion\": \"a\"}"))
        .isEqualTo("no label (expected: one of unsafe, is_safe)");
    assertThat(
            flaw(
                LABELLED,
                """
                {"prompt": "p", "worse": "a", "safer": "a", "worse_unsafe": true, "safer_unsafe": true}
                """))
        .isEqualTo("worse and safer are the same text");
  }

  @Test
  void badRowsAreLeftOutAndCounted() throws Exception {
    Path file =
        write(
            """
            {"prompt": "Door?", "completion": "knock", "unsafe": false}
            {"prompt": "Door?", "completion": "kick it", "unsafe": "maybe"}
            """);
    JudgementData data = JudgementFile.ofCosts(RowLimits.defaults(), true, LABELLED).read(file);
    assertThat(data.judgements()).hasSize(1);
    assertThat(data.badRows())
        .containsExactly(new BadRow(2, "unsafe: maybe (expected: true or false)"));
    assertThatThrownBy(
            () -> JudgementFile.ofCosts(RowLimits.defaults(), false, LABELLED).read(file))
        .isInstanceOf(BadRowsException.class)
        .hasMessage("costs.jsonl: 1 bad row: row 2: unsafe: maybe (expected: true or false)");
  }

  private static Pair pair(
      String worse,
      String safer,
      double weight,
      String annotator,
      boolean worseUnsafe,
      boolean saferUnsafe) {
    return new Pair(
        new Plain("Door?"),
        worse,
        safer,
        0,
        weight,
        new Source(1, "", annotator),
        Optional.of(new SafetyLabels(worseUnsafe, saferUnsafe)));
  }

  private String flaw(CostRows rows, String row) throws IOException, BadRowsException {
    return JudgementFile.ofCosts(RowLimits.defaults(), true, rows)
        .read(write(row))
        .badRows()
        .getFirst()
        .reason();
  }

  private List<Judgement> read(CostRows rows, String content) throws IOException, BadRowsException {
    return JudgementFile.ofCosts(RowLimits.defaults(), false, rows)
        .read(write(content))
        .judgements();
  }

  private Path write(String content) throws IOException {
    return Files.writeString(folder.resolve("costs.jsonl"), content);
  }
}
