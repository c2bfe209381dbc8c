package io.ballast.workshop.programmer;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.workshop.corpus.SourceFile;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
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
  void manySourcesAtOnceGiveWhatEachGivesAlone() {
    String good = "class A { int f() { return 1; } }\n";
    String manyErrors = "class A { void f() { ".concat("int = ; ".repeat(300));
    List<String> sources = new ArrayList<>();
    for (int i = 0; i < 150; i++) {
      // every cut of a whole file, a file with errors beyond the compiler's hundred, good ones
      sources.add(
          i % 3 == 0 ? good : i % 3 == 1 ? manyErrors : good.substring(0, i % good.length()));
    }
    BitSet alone = new BitSet();
    for (int i = 0; i < sources.size(); i++) {
      alone.set(i, !check.parses(sources.get(i)));
    }
    assertThat(check.broken(sources)).isEqualTo(alone);
    assertThat(alone.cardinality()).isBetween(50, 100);
  }

  @Test
  void everySuggestionOfManyIsTriedAtItsOwnPosition() {
    Position other =
        new Position(new SourceFile("a-1", "B.java", "class B {\n  int y = 2;\n}\n"), 20);
    List<ParseCheck.Trial> trials =
        List.of(
            new ParseCheck.Trial(position, TRUTH),
            new ParseCheck.Trial(position, "2;"),
            new ParseCheck.Trial(other, "2;"),
            new ParseCheck.Trial(position, "2;"),
            new ParseCheck.Trial(other, TRUTH));
    assertThat(check.breaks(trials).stream()).containsExactly(1, 3, 4);
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
