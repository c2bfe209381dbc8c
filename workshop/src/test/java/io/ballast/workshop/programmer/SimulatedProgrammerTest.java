package io.ballast.workshop.programmer;

import static io.ballast.workshop.programmer.Outcome.ACCEPTED;
import static io.ballast.workshop.programmer.Outcome.EDITED;
import static io.ballast.workshop.programmer.Outcome.REJECTED;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.ballast.workshop.corpus.SourceFile;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** The programmer accepts what the file says, keeps a right beginning, and rejects the rest. */
class SimulatedProgrammerTest {
  private final Position position = at("class A {\n  int total = ", "add(first, second);", "\n}\n");

  @Test
  void theExactRestOfTheLineIsAcceptedAndSavesItsCharacters() {
    assertThat(judge("add(first, second);")).isEqualTo(new Judgement(ACCEPTED, 19));
    assertThat(judge("add(first, second);").charactersSaved()).isEqualTo(19);
  }

  @Test
  void trailingSpaceAndFurtherLinesDoNotMatter() {
    assertThat(judge("add(first, second);  ")).isEqualTo(new Judgement(ACCEPTED, 19));
    assertThat(judge("add(first, second);\n  int x")).isEqualTo(new Judgement(ACCEPTED, 19));
  }

  @Test
  void aRightBeginningIsKeptUpToTheLastWholeLexeme() {
    // common: "add(first, s"; the lexeme before "s" is the comma
    assertThat(judge("add(first, sum);")).isEqualTo(new Judgement(EDITED, "add(first,".length()));
    assertThat(judge("add(first, sum);").charactersSaved()).isZero();
  }

  @Test
  void aSuggestionThatStopsEarlyIsKeptWhereALexemeEnds() {
    assertThat(judge("add")).isEqualTo(new Judgement(EDITED, 3));
    assertThat(judge("ad")).isEqualTo(new Judgement(REJECTED, 0));
  }

  @Test
  void halfAWordIsNothing() {
    assertThat(judge("address")).isEqualTo(new Judgement(REJECTED, 0));
    assertThat(judgeAt("  x = ", "counter;", "count;")).isEqualTo(new Judgement(REJECTED, 0));
  }

  @Test
  void halfAnOperatorOrLiteralIsNothing() {
    // "if (a =" is a beginning of both, but the file says ==
    assertThat(judgeAt("  if (", "a == b) {", "a = b) {")).isEqualTo(new Judgement(REJECTED, 0));
    assertThat(judgeAt("  s = ", "\"one two\";", "\"one three\";"))
        .isEqualTo(new Judgement(REJECTED, 0));
  }

  @Test
  void aCursorInsideALiteralSeesTheLiteral() {
    // the line reads s = "one two" + x; and the cursor stands after the opening quote
    assertThat(judgeAt("  s = \"", "one two\" + x;", "one two\" + y;"))
        .isEqualTo(new Judgement(EDITED, "one two\" +".length()));
    assertThat(judgeAt("  s = \"", "one two\";", "one red\";"))
        .isEqualTo(new Judgement(REJECTED, 0));
  }

  @Test
  void nothingIsRejected() {
    assertThat(judge("")).isEqualTo(new Judgement(REJECTED, 0));
    assertThat(judge("\nadd(first, second);")).isEqualTo(new Judgement(REJECTED, 0));
  }

  @Test
  void aNoisyProgrammerErrsAsOftenAsStated() {
    SimulatedProgrammer noisy = new SimulatedProgrammer(0.25, new Random(3));
    int rejectedTruths = 0;
    for (int i = 0; i < 4_000; i++) {
      if (noisy.react(position, position.truth()).outcome() == REJECTED) {
        rejectedTruths++;
      }
    }
    // standard error of 4,000 draws: sqrt(.25 · .75 / 4,000) = .007
    assertThat(rejectedTruths / 4_000.0).isCloseTo(0.25, within(0.03));
  }

  @Test
  void anErrorMayAcceptWhatIsWrongWhichSavesNothing() {
    SimulatedProgrammer alwaysWrong = new SimulatedProgrammer(1, new Random(3));
    assertThat(alwaysWrong.react(position, "wrong();")).isEqualTo(new Judgement(ACCEPTED, 0));
  }

  @Test
  void withoutNoiseChanceIsNotAsked() {
    SimulatedProgrammer sober =
        new SimulatedProgrammer(
            0,
            () -> {
              throw new AssertionError("asked");
            });
    assertThat(sober.react(position, "add(first, second);").outcome()).isEqualTo(ACCEPTED);
  }

  @Test
  void aNoiseThatIsNoProbabilityIsNamed() {
    assertThatThrownBy(() -> new SimulatedProgrammer(Double.NaN, new Random(1)))
        .hasMessage("noise: NaN (expected: ≥ 0 and ≤ 1)");
  }

  private Judgement judge(String suggestion) {
    return SimulatedProgrammer.judge(position, suggestion);
  }

  private static Judgement judgeAt(String before, String truth, String suggestion) {
    return SimulatedProgrammer.judge(at(before, truth, "\n"), suggestion);
  }

  private static Position at(String before, String truth, String after) {
    return new Position(new SourceFile("a-1", "A.java", before + truth + after), before.length());
  }
}
