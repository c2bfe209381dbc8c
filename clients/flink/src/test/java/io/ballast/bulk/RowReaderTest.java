package io.ballast.bulk;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A line is a row, or a row that says what is wrong with the line. */
class RowReaderTest {
  @Test
  void aRowWithOneCompletion() {
    assertThat(read("{\"id\": \"é\", \"prompt\": \"\", \"completion\": \"x\", \"grade\": 3}"))
        .isEqualTo(new Row("f", 7, "\"é\"", "", List.of("x"), Map.of(), null));
  }

  @Test
  void aRowWithCompletionsAndReferences() {
    assertThat(
            read(
                "{\"id\": 12345678901234567890, \"prompt\": \"p\", \"completions\": [\"x\", \"y\"],"
                    + " \"references\": {\"answer\": \"4\"}}"))
        .isEqualTo(
            new Row(
                "f",
                7,
                "12345678901234567890",
                "p",
                List.of("x", "y"),
                Map.of("answer", "4"),
                null));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          [1]                                                      | an array (expected: an object)
          {"id": 1.5, "prompt": "p", "completion": "x"}            | id: a number (expected: text or a whole number)
          {"completion": "x"}                                      | prompt: absent (expected: text)
          {"prompt": null, "completion": "x"}                      | prompt: null (expected: text)
          {"prompt": "p"}                                          | completion: absent (expected: completion or completions)
          {"prompt": "p", "completion": "x", "completions": ["y"]} | completion and completions (expected: one of the two)
          {"prompt": "p", "completion": 4}                         | completion: a number (expected: text)
          {"prompt": "p", "completions": []}                       | completions: 0 of them (expected: an array of 1 to 4,096 texts)
          {"prompt": "p", "completions": ["x", null]}              | completions[1]: null (expected: text)
          {"prompt": "p", "completion": "x", "references": {"a": 1}} | references.a: a number (expected: text)
          """)
  void whatIsWrongIsSaid(String line, String message) {
    Row row = read(line);
    assertThat(row.problem()).isEqualTo(new Failure("INVALID_INPUT", message));
    assertThat(row.completions()).isEmpty();
  }

  @Test
  void textThatIsNoUtf8IsNotScoredAsAnother() {
    byte[] line = "{\"prompt\": \"é\", \"completion\": \"x\"}".getBytes(UTF_8);
    line[12] = 'e'; // what begins a character of two bytes is gone
    assertThat(RowReader.read("f", 7, line).problem())
        .extracting(Failure::reason)
        .isEqualTo("INVALID_INPUT");
  }

  @Test
  void twoRowsInALineAreNone() {
    assertThat(read("{\"prompt\": \"p\", \"completion\": \"x\"} {}").problem()).isNotNull();
  }

  private static Row read(String line) {
    return RowReader.read("f", 7, line.getBytes(UTF_8));
  }
}
