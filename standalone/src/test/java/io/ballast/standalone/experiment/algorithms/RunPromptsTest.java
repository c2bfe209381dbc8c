package io.ballast.standalone.experiment.algorithms;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.workshop.corpus.SourceFile;
import io.ballast.workshop.programmer.Cursor;
import io.ballast.workshop.programmer.ParseCheck;
import io.ballast.workshop.programmer.Position;
import io.ballast.workshop.programmer.Positions;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Positions are from as many files as there are, and the checksum has all that is drawn. */
class RunPromptsTest {
  private final ParseCheck parseCheck = new ParseCheck();
  private final Positions places = new Positions(Cursor.anyCharacter(), parseCheck);

  @AfterEach
  void close() {
    parseCheck.close();
  }

  /** Of so many statement lines. */
  private static SourceFile file(String name, int lines) {
    StringBuilder text = new StringBuilder("class A {\n");
    for (int i = 0; i < lines; i++) {
      text.append("  int field").append(i).append(" = 12345;\n");
    }
    return new SourceFile("made-up-1", name, text.append("}\n").toString());
  }

  private List<Position> spread(List<SourceFile> files, int count) {
    return RunPrompts.spread(places, files, count);
  }

  private static Map<String, Long> byFile(List<Position> positions) {
    return positions.stream()
        .collect(Collectors.groupingBy(each -> each.file().path(), Collectors.counting()));
  }

  @Test
  void withEnoughFilesEachGivesOnePosition() {
    List<SourceFile> files = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      files.add(file("F" + i, 5));
    }
    assertThat(byFile(spread(files, 8))).hasSize(8);
    assertThat(byFile(spread(files, 3))).hasSize(3);
    assertThat(spread(files, 3)).isEqualTo(spread(files, 8).subList(0, 3));
  }

  @Test
  void withFewerFilesThanPositionsNoneIsLeftOut() {
    List<SourceFile> files = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      files.add(file("F" + i, 5));
    }
    // one of each, and of one another
    assertThat(byFile(spread(files, 9))).hasSize(8).containsValue(2L);
    assertThat(byFile(spread(files, 16)).values()).containsOnly(2L);
    assertThat(spread(files, 40)).doesNotHaveDuplicates().hasSize(40);
    assertThat(spread(files, 41)).as("there are no more lines").hasSize(40);
  }

  @Test
  void aFileThatDoesNotParseOrIsShortLeavesMoreToTheOthers() {
    SourceFile broken = new SourceFile("made-up-1", "broken", "class A {\n  int a = 12345;\n");
    assertThat(byFile(spread(List.of(broken, file("short", 1), file("long", 20)), 6)))
        .isEqualTo(Map.of("short", 1L, "long", 5L));
    assertThat(spread(List.of(file("long", 20)), 20))
        .as("no file gives more than twelve")
        .hasSize(12);
  }

  @Test
  void anyOtherPromptOrPositionIsAnotherChecksum() {
    List<Position> held = spread(List.of(file("F", 5)), 2);
    RunPrompts prompts = new RunPrompts(List.of("a", "b"), List.of("t"), held);
    assertThat(prompts.heldOutFiles()).containsExactly("made-up-1/F", "made-up-1/F");
    assertThat(prompts.checksum())
        .isEqualTo(new RunPrompts(List.of("a", "b"), List.of("t", "u"), held).checksum())
        .isNotEqualTo(new RunPrompts(List.of("ab"), List.of("t"), held).checksum())
        .isNotEqualTo(new RunPrompts(List.of("b", "a"), List.of("t"), held).checksum())
        .isNotEqualTo(
            new RunPrompts(List.of("a", "b"), List.of("t"), held.subList(0, 1)).checksum());
  }

  @Test
  void runsFindWhatTheyLearnFromInTheMeshsFolder(@TempDir Path folder) throws IOException {
    new RunPrompts(List.of("int a =", "\"b\"\n"), List.of(), List.of())
        .writeLearning(folder.resolve("data"));
    assertThat(folder.resolve("data").resolve(RunPrompts.LEARNING_FILE))
        .hasContent("{\"prompt\":\"int a =\"}\n{\"prompt\":\"\\\"b\\\"\\n\"}\n");
  }
}
