package io.ballast.workshop.programmer;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.workshop.corpus.SourceFile;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** A suggestion does harm if the file no longer parses; what its names mean does not matter. */
class ParseCheckTest {
  private static final String BEFORE = "class A {\n  int f(int x) {\n    if ";
  private static final String TRUTH = "(x > 0) {";
  private static final String AFTER = "\n      return x;\n    }\n    return 0;\n  }\n}\n";

  private final ParseCheck check = new ParseCheck();
  private final Position position =
      new Position(new SourceFile("a-1", "A.java", BEFORE + TRUTH + AFTER), BEFORE.length());

  @AfterEach
  void close() {
    check.close();
  }

  @Test
  void theTruthDoesNoHarm() {
    assertThat(check.breaks(position, TRUTH)).isFalse();
    assertThat(check.breaks(position, TRUTH + "  \nanything")).isFalse();
  }

  @Test
  void anotherConditionDoesNoHarm() {
    assertThat(check.breaks(position, "(unknown.name(x)) {")).isFalse();
  }

  @Test
  void aMissingBraceOrNothingAtAllBreaksTheFile() {
    assertThat(check.breaks(position, "(x > 0)")).isTrue();
    assertThat(check.breaks(position, "(x > 0;")).isTrue();
    assertThat(check.breaks(position, "")).isTrue();
  }

  @Test
  void onlyTheFirstLineOfASuggestionIsPutIn() {
    assertThat(check.breaks(position, "(x == 1) {\n}}}}")).isFalse();
  }

  @Test
  void methodsOutsideAClassAreNotAFile() {
    assertThat(check.parses("void f() {}\n")).isFalse();
  }

  @Test
  void aFileNeedsNoImportsAndNoTypes() {
    assertThat(check.parses("class A extends Unknown<B> { Object x = y -> z::w; }")).isTrue();
  }

  @Test
  void recordsSwitchesAndTextBlocksParse() {
    String source =
        "record A(int x) { String f(Object o) { return switch (o) { case A(int y) -> \"\"\"\n  a\n"
            + "  \"\"\"; default -> \"\"; }; } }";
    assertThat(check.parses(source)).isTrue();
  }
}
