package io.ballast.architecture;

import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaModifier;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** docs/papers.md says of every public class of rl/ where it comes from. */
class PapersTest {
  private static final String ROOT = "io.ballast.rl.";
  private static final Path PAPERS = Path.of("..", "docs", "papers.md");

  @Test
  void everyPublicClassHasItsRow() throws IOException {
    List<String> rows =
        Files.readAllLines(PAPERS).stream().filter(line -> line.startsWith("|")).toList();
    List<String> missing =
        publicClasses().stream()
            .filter(c -> rows.stream().noneMatch(row -> names(row, c)))
            .toList();

    assertThat(publicClasses()).as("public classes of rl/").hasSizeGreaterThan(30);
    assertThat(missing).as("public classes of rl/ without a row in docs/papers.md").isEmpty();
  }

  @Test
  void everyClassThatARowNamesIsThere() throws IOException {
    List<String> there = publicClasses();
    Pattern named = Pattern.compile("`([a-z]+)\\.([A-Z][A-Za-z0-9]*)[.`]");
    List<String> gone =
        Files.readAllLines(PAPERS).stream()
            .filter(line -> line.startsWith("|"))
            .flatMap(line -> named.matcher(line).results())
            .map(match -> match.group(1) + "." + match.group(2))
            .distinct()
            .filter(name -> !there.contains(name))
            .toList();

    assertThat(gone).as("classes that docs/papers.md names and rl/ does not have").isEmpty();
  }

  /** By package within rl and name: advantage.GroupAdvantages. */
  private static List<String> publicClasses() {
    return Ballast.CLASSES.stream()
        .filter(c -> c.getPackageName().startsWith(ROOT))
        .filter(JavaClass::isTopLevelClass)
        .filter(c -> c.getModifiers().contains(JavaModifier.PUBLIC))
        .map(c -> c.getName().substring(ROOT.length()))
        .sorted()
        .toList();
  }

  private static boolean names(String row, String qualified) {
    int dot = qualified.lastIndexOf('.');
    String folder = qualified.substring(0, dot);
    String name = qualified.substring(dot + 1);
    return Pattern.compile("`" + Pattern.quote(qualified) + "[.`]").matcher(row).find()
        || (row.contains("`" + name + "`") && row.contains("`" + folder + "`"));
  }
}
