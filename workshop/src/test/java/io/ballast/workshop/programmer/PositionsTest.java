package io.ballast.workshop.programmer;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.inference.api.TokenIds;
import io.ballast.inference.api.Tokenizer;
import io.ballast.workshop.corpus.SourceFile;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Positions lie in statement lines, where three characters or more are left to write. */
class PositionsTest {
  private static final SourceFile FILE =
      new SourceFile(
          "a-1",
          "A.java",
          "class A {\n  @Override\n  int f() {\n    return 1 + g(2);\n  }\n  int g(int x) { return x; }\n}\n");

  private final ParseCheck parseCheck = new ParseCheck();

  @AfterEach
  void close() {
    parseCheck.close();
  }

  @Test
  void statementLinesAloneAreAskedFor() {
    List<Position> drawn =
        new Positions(Cursor.anyCharacter(), parseCheck).draw(List.of(FILE), 50, 50, new Random(1));
    assertThat(drawn)
        .extracting(p -> (p.lineBefore() + p.truth()).strip())
        .containsExactlyInAnyOrder("int f() {", "return 1 + g(2);");
    assertThat(drawn).allSatisfy(p -> assertThat(p.truth().length()).isGreaterThanOrEqualTo(3));
  }

  @Test
  void promptAndTruthAreWhatTheFileSays() {
    Position position = new Position(FILE, FILE.text().indexOf("1 + g"));
    assertThat(position.prompt()).endsWith("    return ");
    assertThat(position.lineBefore()).isEqualTo("    return ");
    assertThat(position.truth()).isEqualTo("1 + g(2);");
    assertThat(position.fileWith(position.truth())).isEqualTo(FILE.text());
    assertThat(position.fileWith("0;\nmore")).contains("    return 0;\n  }");
    assertThat(position.id()).isEqualTo("a-1/A.java@" + position.offset());
  }

  @Test
  void aPromptsTailBeginsWithALine() {
    Position position = new Position(FILE, FILE.text().indexOf("1 + g"));
    assertThat(position.promptTail(10_000)).isEqualTo(position.prompt());
    assertThat(position.promptTail(30)).isEqualTo("  int f() {\n    return ");
    assertThat(position.promptTail(5)).isEqualTo("turn ");
  }

  @Test
  void theSeedAloneDecides() {
    Positions positions = new Positions(Cursor.anyCharacter(), parseCheck);
    assertThat(positions.draw(List.of(FILE), 2, 2, new Random(4)))
        .isEqualTo(positions.draw(List.of(FILE), 2, 2, new Random(4)));
  }

  @Test
  void noFileGivesMoreThanItsShare() {
    SourceFile other = new SourceFile("a-1", "B.java", FILE.text());
    assertThat(
            new Positions(Cursor.anyCharacter(), parseCheck)
                .draw(List.of(FILE, other), 10, 1, new Random(1)))
        .extracting(Position::file)
        .containsExactly(FILE, other);
  }

  @Test
  void aFileThatDoesNotParseIsPassedOver() {
    SourceFile broken = new SourceFile("a-1", "C.java", "class C {\n  int x = 1;\n");
    assertThat(
            new Positions(Cursor.anyCharacter(), parseCheck)
                .draw(List.of(broken), 10, 10, new Random(1)))
        .isEmpty();
  }

  @Test
  void tokenBoundariesAreThoseOfTheTokenizer() {
    // "\n  " | "ret" | "urn" | " " | "x;" in pieces of three characters
    assertThat(Cursor.tokenBoundaries(new EveryThreeCharacters()).placesIn("  return x;"))
        .containsExactly(2, 5, 8);
    assertThat(Cursor.tokenBoundaries(new EveryThreeCharacters()).placesIn("  é = 1;")).isEmpty();
  }

  @Test
  void anyCharacterMeansAnyAfterTheIndentation() {
    assertThat(Cursor.anyCharacter().placesIn("  ab;")).containsExactly(2, 3, 4);
  }

  /** A tokenizer whose every token is three characters long. */
  private static final class EveryThreeCharacters implements Tokenizer {
    @Override
    public TokenIds encode(String text) {
      return TokenIds.of(new int[(text.length() + 2) / 3]);
    }

    @Override
    public String decode(TokenIds tokens) {
      return "abc".repeat(tokens.size());
    }

    @Override
    public byte[] bytesOf(int id) {
      return "abc".getBytes(StandardCharsets.UTF_8);
    }

    @Override
    public int vocabularySize() {
      return 1;
    }

    @Override
    public int endOfTextId() {
      return 0;
    }
  }
}
