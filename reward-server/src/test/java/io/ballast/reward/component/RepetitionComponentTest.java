package io.ballast.reward.component;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

/** The share of n-grams that were there before, below zero. */
class RepetitionComponentTest {
  @Test
  void aHandCountedText() throws CannotJudge {
    OneComponent pairs = new OneComponent("{'kind': 'repetition', 'ngram': 2}");

    // a b, b a, a b, b c: three distinct of four
    assertThat(pairs.value("a b a\n b c")).isCloseTo(-.25, within(1e-12));
    assertThat(pairs.value("a b c d")).isEqualTo(0);
    assertThat(pairs.value("a a a a a")).isCloseTo(-.75, within(1e-12));
    assertThat(pairs.value("a")).isEqualTo(0);
    assertThat(pairs.value(" ")).isEqualTo(0);
  }

  @Test
  void charactersAreCodePoints() throws CannotJudge {
    OneComponent single =
        new OneComponent("{'kind': 'repetition', 'unit': 'characters', 'ngram': 1}");

    assertThat(single.value("😀😁")).isEqualTo(0);
    assertThat(single.value("aab")).isCloseTo(-1 / 3., within(1e-12));
  }

  @Test
  void itIsNeverMoreThanOneAndGrowsWithTheText() throws CannotJudge {
    OneComponent usual = new OneComponent("{'kind': 'repetition'}");

    assertThat(usual.value("no ".repeat(10_000))).isBetween(-1., -.999);
    assertThatThrownBy(() -> new OneComponent("{'kind': 'repetition', 'ngram': 0}"))
        .hasMessage("$.components.it.ngram: 0 (expected: a whole number from 1 to 64)");
  }
}
