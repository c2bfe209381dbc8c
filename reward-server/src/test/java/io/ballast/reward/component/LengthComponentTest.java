package io.ballast.reward.component;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

/** Nothing up to {@code free}, −1 from {@code limit} on, a line between. */
class LengthComponentTest {
  @Test
  void thePenaltyGrowsInALine() throws CannotJudge {
    OneComponent length = new OneComponent("{'kind': 'length', 'free': 4, 'limit': 8}");

    assertThat(length.value("")).isEqualTo(0);
    assertThat(length.value("1234")).isEqualTo(0);
    assertThat(length.value("12345")).isEqualTo(-.25);
    assertThat(length.value("12345678")).isEqualTo(-1);
    assertThat(length.value("x".repeat(1000))).isEqualTo(-1);
  }

  @Test
  void charactersAreCodePointsAndWordsStandBetweenSpaces() throws CannotJudge {
    assertThat(new OneComponent("{'kind': 'length', 'free': 1, 'limit': 2}").value("😀"))
        .isEqualTo(0);
    OneComponent words =
        new OneComponent("{'kind': 'length', 'unit': 'words', 'free': 2, 'limit': 4}");
    assertThat(words.value(" two \n words ")).isEqualTo(0);
    assertThat(words.value("now it's three")).isEqualTo(-.5);
  }

  @Test
  void tokensNeedALearnedComponentThatCounts() {
    String tokens =
        "{'kind': 'length', 'unit': 'tokens', 'tokens_of': 'it', 'free': 1, 'limit': 2}";

    assertThatThrownBy(() -> new OneComponent(tokens))
        .isInstanceOf(CompositeFlaw.class)
        .hasMessage(
            "$.components.it.tokens_of: \"it\" (expected: the name of a learned component)");
    assertThatThrownBy(() -> new OneComponent("{'kind': 'length', 'free': 4, 'limit': 4}"))
        .hasMessage("$.components.it.limit: 4 (expected: a whole number from 5 to 10,000,001)");
  }
}
