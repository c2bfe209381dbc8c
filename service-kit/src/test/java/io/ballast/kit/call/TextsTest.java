package io.ballast.kit.call;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

/** A prompt is whole Unicode, what is stored fits a column, a name leads out of no folder. */
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

  @Test
  void whatADatabaseCannotKeepIsNamed() {
    assertThat(Texts.storageFlaw("a\tb\n")).isNull();
    assertThat(Texts.storageFlaw("a\0")).startsWith("character 1 is U+0000");
    assertThat(Texts.storageFlaw("\uD83D")).startsWith("character 0 is a lone surrogate");
  }

  @Test
  void aLineIsShortAndHasNoControlCharacters() {
    assertThat(Texts.requireLine("run_id", "über 7", 6)).isEqualTo("über 7");
    assertThatThrownBy(() -> Texts.requireLine("run_id", "1234567", 6))
        .hasMessage("run_id: 7 characters (expected: at most 6)");
    assertThatThrownBy(() -> Texts.requireLine("run_id", "a\nb", 6))
        .hasMessage("run_id: character 1 is U+000A (expected: no control characters)");
    assertThatThrownBy(() -> Texts.requireLine("run_id", "\uDE00", 6))
        .hasMessageStartingWith("run_id: character 0 is a lone surrogate");
  }

  @Test
  void whatAClientWroteBeginsNoLineOfALog() {
    assertThat(Texts.asLine("r-1 über", 10)).isEqualTo("r-1 über");
    assertThat(Texts.asLine("a\nERROR b\u2028\u007f", 20))
        .isEqualTo("a\\u000aERROR b\\u2028\\u007f");
    assertThat(Texts.asLine("abcdef", 5)).isEqualTo("abcde…");
    assertThat(Texts.asLine("", 0)).isEmpty();
  }

  @Test
  void oneIsCountedInTheSingular() {
    assertThat(Texts.counted(0, "bad row")).isEqualTo("0 bad rows");
    assertThat(Texts.counted(1, "bad row")).isEqualTo("1 bad row");
    assertThat(Texts.counted(2_048, "bad row")).isEqualTo("2,048 bad rows");
  }
}
