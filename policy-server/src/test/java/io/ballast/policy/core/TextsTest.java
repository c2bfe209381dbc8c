package io.ballast.policy.core;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** A prompt is whole Unicode; half a character is named. */
class TextsTest {
  @Test
  void wholeCharactersHaveNoFlaw() {
    assertThat(Texts.encodingFlaw("// naïve → \uD83D\uDE00 \u0000 \uFFFD")).isNull();
  }

  @Test
  void aSurrogateWithoutItsPairIsNamed() {
    assertThat(Texts.encodingFlaw("ab\uD83D"))
        .isEqualTo("character 2 is a lone surrogate (expected: valid UTF-8)");
    assertThat(Texts.encodingFlaw("\uDE00\uD83D"))
        .isEqualTo("character 0 is a lone surrogate (expected: valid UTF-8)");
  }
}
