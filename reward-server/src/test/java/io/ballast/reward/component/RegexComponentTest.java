package io.ballast.reward.component;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import java.time.Duration;
import org.junit.jupiter.api.Test;

/** A match is 1, no match is 0, and no pattern holds a worker. */
class RegexComponentTest {
  @Test
  void aPartMayMatchOrAllMust() throws CannotJudge {
    OneComponent anywhere = new OneComponent("{'kind': 'regex', 'pattern': '[0-9]+'}");
    OneComponent whole =
        new OneComponent("{'kind': 'regex', 'pattern': '[0-9]+', 'find': 'whole'}");

    assertThat(anywhere.value("x 12 y")).isEqualTo(1);
    assertThat(anywhere.value("x")).isEqualTo(0);
    assertThat(anywhere.value("")).isEqualTo(0);
    assertThat(whole.value("12")).isEqualTo(1);
    assertThat(whole.value("12 ")).isEqualTo(0);
  }

  @Test
  void whatMustNotBeThereEarnsTheOneWhereItIsNot() throws CannotJudge {
    OneComponent clean =
        new OneComponent(
            "{'kind': 'regex', 'pattern': 'todo', 'ignore_case': true, 'expect': 'no_match'}");

    assertThat(clean.value("done")).isEqualTo(1);
    assertThat(clean.value("// TODO")).isEqualTo(0);
  }

  @Test
  void aDotAndLinesAreWhatTheFlagsSay() throws CannotJudge {
    assertThat(new OneComponent("{'kind': 'regex', 'pattern': 'a.b'}").value("a\nb")).isEqualTo(0);
    assertThat(
            new OneComponent("{'kind': 'regex', 'pattern': 'a.b', 'dot_all': true}").value("a\nb"))
        .isEqualTo(1);
    assertThat(
            new OneComponent("{'kind': 'regex', 'pattern': '^b$', 'multi_line': true}")
                .value("a\nb\nc"))
        .isEqualTo(1);
  }

  @Test
  void aPatternThatRunsAwayElsewhereTakesNoLonger() {
    // java.util.regex tries 2^n ways here
    OneComponent evil =
        new OneComponent("{'kind': 'regex', 'pattern': '(a|aa)+(a*)*$', 'find': 'whole'}");

    assertTimeoutPreemptively(
        Duration.ofSeconds(20),
        () -> assertThat(evil.value("a".repeat(20_000) + "!")).isEqualTo(0));
  }

  @Test
  void tokensAreNoText() {
    OneComponent regex = new OneComponent("{'kind': 'regex', 'pattern': 'x'}");

    assertThatThrownBy(() -> regex.judge(OneComponent.tokens()))
        .isInstanceOf(CannotJudge.class)
        .hasMessage("items[0].completion: tokens (expected: text)");
  }

  @Test
  void aPatternThatIsNoneIsNamedByItsPath() {
    assertThatThrownBy(() -> new OneComponent("{'kind': 'regex', 'pattern': '(x'}"))
        .isInstanceOf(CompositeFlaw.class)
        .hasMessageStartingWith("$.components.it.pattern: ")
        .hasMessageContaining("missing closing )");
    assertThatThrownBy(() -> new OneComponent("{'kind': 'regex', 'pattern': '(?=x)'}"))
        .isInstanceOf(CompositeFlaw.class)
        .hasMessageStartingWith("$.components.it.pattern: ");
  }
}
