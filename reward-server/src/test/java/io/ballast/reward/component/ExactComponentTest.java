package io.ballast.reward.component;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The answer is 1, anything else 0; without an answer to check against there is no number. */
class ExactComponentTest {
  private static final String GSM8K =
      "{'kind': 'exact', 'numbers': true, 'after': '####', 'reference': 'gold'}";

  @Test
  void spaceAndFormOfUnicodeDoNotCount() throws CannotJudge {
    OneComponent exact = new OneComponent("{'kind': 'exact'}");

    assertThat(exact.value("  a\n b ", Map.of("answer", "a b"))).isEqualTo(1);
    assertThat(exact.value("caf\u00e9", Map.of("answer", "cafe\u0301"))).isEqualTo(1);
    assertThat(exact.value("A", Map.of("answer", "a"))).isEqualTo(0);
    assertThat(exact.value("42.0", Map.of("answer", "42"))).isEqualTo(0);
    assertThat(
            new OneComponent("{'kind': 'exact', 'ignore_case': true}")
                .value("A", Map.of("answer", "a")))
        .isEqualTo(1);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "He has 6 * 7 = 42. #### 42 | 42      | 1",
        "#### 42.00                 | #### 42 | 1",
        "#### $1,234.50.            | 1234.5  | 1",
        "#### 12,34                 | 1234    | 0",
        "first #### 1 then #### 42  | 42      | 1",
        "42                         | 42      | 0",
        "####                       | 42      | 0",
        "#### forty-two             | 42      | 0",
        "#### -42                   | 42      | 0",
        "#### +42                   | 42      | 1",
        "#### 42 apples             | 42      | 0",
      })
  void numbersAreEqualByValue(String completion, String gold, double value) throws CannotJudge {
    assertThat(new OneComponent(GSM8K).value(completion, Map.of("gold", gold))).isEqualTo(value);
  }

  @Test
  void whatThereIsToCheckAgainstMustBeThereAndOfTheRightKind() {
    OneComponent exact = new OneComponent(GSM8K);

    assertThatThrownBy(() -> exact.value("#### 1", Map.of("answer", "1")))
        .isInstanceOf(CannotJudge.class)
        .hasMessage("items[0].references[\"gold\"]: absent (expected: a text to check against)");
    assertThatThrownBy(() -> exact.value("#### 1", Map.of("gold", "one")))
        .isInstanceOf(CannotJudge.class)
        .hasMessage("items[0].references[\"gold\"]: 'one' (expected: a number)");
    assertThatThrownBy(() -> exact.value("#### 1", Map.of("gold", " ")))
        .hasMessage("items[0].references[\"gold\"]: empty (expected: an answer)");
  }
}
