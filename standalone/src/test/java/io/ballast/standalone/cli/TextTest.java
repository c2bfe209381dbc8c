package io.ballast.standalone.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import org.junit.jupiter.api.Test;
import picocli.CommandLine.TypeConversionException;

/** Tables, durations and excerpts as people read and write them. */
class TextTest {
  @Test
  void numbersStandToTheRightWordsToTheLeft() {
    TextTable table =
        TextTable.headed("name", "n").row("a", "1,000").row("long name", "-2.5").row("b", "–");

    assertThat(table.lines())
        .containsExactly(
            "name           n", "a          1,000", "long name   -2.5", "b              –");
  }

  @Test
  void aTableOfHeadingsOnlyIsEmpty() {
    assertThat(TextTable.headed("a", "b").isEmpty()).isTrue();
    assertThat(TextTable.plain().row("x").isEmpty()).isFalse();
  }

  @Test
  void widthsCountCharactersNotUnits() {
    // U+1F600 is two units of a string and one character
    assertThat(TextTable.plain().row("\uD83D\uDE00", "x").row("ab", "y").lines())
        .containsExactly("\uD83D\uDE00   x", "ab  y");
  }

  @Test
  void durationsAreWrittenInAnyUnit() {
    DurationText text = new DurationText();
    assertThat(text.convert("500ms")).isEqualTo(Duration.ofMillis(500));
    assertThat(text.convert("1.5s")).isEqualTo(Duration.ofMillis(1_500));
    assertThat(text.convert("2m")).isEqualTo(Duration.ofMinutes(2));
    assertThat(text.convert("PT1H")).isEqualTo(Duration.ofHours(1));
    for (String wrong : new String[] {"0s", "-1s", "5", "soon", "PT-1S"}) {
      assertThatThrownBy(() -> text.convert(wrong))
          .as(wrong)
          .isInstanceOf(TypeConversionException.class);
    }
  }

  @Test
  void durationsAreReadInTheUnitThatFits() {
    assertThat(DurationText.of(0.0412)).isEqualTo("41 ms");
    assertThat(DurationText.of(4.25)).isEqualTo("4.3 s");
    assertThat(DurationText.of(125)).isEqualTo("2 min 5 s");
    assertThat(DurationText.of(3_725)).isEqualTo("1 h 2 min");
  }

  @Test
  void anExcerptIsOneLineAndNeverSplitsACharacter() {
    assertThat(Excerpt.of("a\nb", 5)).isEqualTo("a⏎b");
    assertThat(Excerpt.of("abcdef", 4)).isEqualTo("abc…");
    assertThat(Excerpt.of("\uD83D\uDE00\uD83D\uDE00\uD83D\uDE00", 2)).isEqualTo("\uD83D\uDE00…");
  }
}
