package io.ballast.kit.redaction;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The parser's words are told up to where they quote the text. */
class JsonFlawTest {
  private static final JsonMapper JSON =
      JsonMapper.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{\"prompt\": hunter2 of the user}         | Unrecognized token",
        "{\"prompt\": 'hunter2'}                   | Unexpected character",
        "{hunter2: 1}                              | Unexpected character",
        "{\"prompt\": \"a\\hunter2\"}               | Unrecognized character escape",
        "{\"prompt\": [\"hunter2                   | Unexpected end-of-input",
        "{\"prompt\": \"hunter2\"                   | Unexpected end-of-input",
        "{\"seed\": 1, \"seed\": \"hunter2\"}         | Duplicate field 'seed'",
        "{\"of hunter2\": 1, \"of hunter2\": 2}     | Duplicate field",
        "{\"it's hunter2\": 1, \"it's hunter2\": 2} | Duplicate field",
        "{} hunter2                                | Unrecognized token",
        "{} \"hunter2\"                            | Trailing token",
        "{\"seed\": NaN}                           | Non-standard token",
      })
  void whatIsQuotedIsLeftOut(String json, String words) {
    JsonProcessingException flaw =
        catchThrowableOfType(JsonProcessingException.class, () -> JSON.readTree(json));

    assertThat(JsonFlaw.of(flaw)).startsWith(words).doesNotContain("hunter2").doesNotEndWith(" ");
  }
}
