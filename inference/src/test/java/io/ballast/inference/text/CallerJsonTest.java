package io.ballast.inference.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What is wrong with a caller's JSON is told by its place, and not by the parser's settings. */
class CallerJsonTest {
  @Test
  void numbersStayAsTheyWereWritten() {
    assertThat(CallerJson.read("[1.50, 1e400, 12345678901234567890]").toString())
        .isEqualTo("[1.50,1E+400,12345678901234567890]");
    assertThat(CallerJson.read(" ").isMissingNode()).isTrue();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '→',
      quoteCharacter = '`',
      value = {
        "{\"a\": NaN} → Non-standard token 'NaN' (line 1, column 10)",
        "[-Infinity] → Non-standard token '-Infinity' (line 1, column 11)",
        "{\"a\": 1, \"a\": 2} → Duplicate field 'a' (line 1, column 13)",
        "{\"b\": {\"a\": 1, \"a\": 2}} → Duplicate field 'a' (line 1, column 19)",
        "[1 → Unexpected end-of-input: expected close marker for Array (line 1, column 3)",
      })
  void aFlawIsNamedWithItsPlace(String json, String flaw) {
    assertThatThrownBy(() -> CallerJson.read(json))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("not JSON: " + flaw);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{} {}",
        "{'a': 1}",
        "{a: 1}",
        "[1,]",
        "[01]",
        "[.5]",
        "[+1]",
        "[1] // why",
        "[\"\\x\"]",
        "[\"\t\"]",
        "{",
        "[1",
        "nul",
        "\"a",
        "NaN"
      })
  void noFlawSpeaksOfTheParser(String json) {
    assertThatThrownBy(() -> CallerJson.read(json))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("not JSON: ")
        .message()
        .doesNotContain("Feature", "enable", "Source", "JsonNode", "`");
  }

  @Test
  void whatIsTooDeepOrTooLongIsRefusedInTheSameWords() {
    for (String json : new String[] {"[".repeat(100_000), "1".repeat(5_000)}) {
      assertThatThrownBy(() -> CallerJson.read(json))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageStartingWith("not JSON: ")
          .message()
          .contains("exceeds the maximum allowed")
          .doesNotContain("Constraints", "Feature", "`");
    }
  }
}
