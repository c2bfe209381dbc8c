package io.ballast.reward.component;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.inference.scoring.Content;
import io.ballast.reward.core.ScoreItem;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What the JDK's parser takes is 1. */
class JavaParseComponentTest {
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "file       | class A { int x = undefined(); }     | 1",
        "file       | class A { int x = ; }                | 0",
        "file       | int x = 1;                           | 0",
        "file       | // nothing                           | 0",
        "members    | int x = 1; void m() {}               | 1",
        "members    | return 1;                            | 0",
        "members    | } class D {                          | 0",
        "members    | ;                                    | 0",
        "statements | for (int i = 0; i < n; i++) { f(i); } | 1",
        "statements | return a + b;                        | 1",
        "statements | return a + ;                         | 0",
        "statements | } void n() {                         | 0",
        "statements | // nothing                           | 0",
      })
  void eachFormHasItsPlace(String form, String completion, double value) throws CannotJudge {
    assertThat(new OneComponent("{'kind': 'java_parse', 'form': '" + form + "'}").value(completion))
        .isEqualTo(value);
  }

  @Test
  void aContinuationStandsBehindItsPrompt() throws CannotJudge {
    OneComponent parse = new OneComponent("{'kind': 'java_parse', 'form': 'continuation'}");

    assertThat(parse.judge(item("class A { int x = ", "1; }")).value()).isEqualTo(1);
    assertThat(parse.judge(item("class A { int x = ", "1;")).detail())
        .startsWith("line 1: reached end of file");
  }

  @Test
  void nestingWithoutEndIsAFailureAndNoNumber() {
    OneComponent parse = new OneComponent("{'kind': 'java_parse', 'form': 'statements'}");
    String deep = "return " + "(".repeat(100_000) + "1" + ")".repeat(100_000) + ";";

    assertThatThrownBy(() -> parse.value(deep))
        .isInstanceOf(CannotJudge.class)
        .hasMessage("items[0].completion: nested too deeply for the compiler");
  }

  private static ScoreItem item(String prompt, String completion) {
    return new ScoreItem(
        "", "items[0]", new Content.Text(prompt), new Content.Text(completion), Map.of());
  }
}
