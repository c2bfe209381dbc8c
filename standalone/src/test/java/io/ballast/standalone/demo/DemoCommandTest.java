package io.ballast.standalone.demo;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** What goes wrong before the first minute is over is one line with the mend, and an exit code. */
class DemoCommandTest {
  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  @TempDir Path home;

  @Test
  void helpListsWhatCanBeChanged() {
    assertThat(run("--help")).isZero();
    assertThat(out.toString())
        .contains("--seed", "--positions", "--iterations", "--keep", "--json", "--report", "--data")
        .contains("Exit codes:");
  }

  @Test
  void aNumberOutOfItsRangeIsWrongUsage() {
    assertThat(run("--positions", "0")).isEqualTo(2);
    assertThat(err.toString()).contains("comparison: 0 (expected: ≥ 1)");
    assertThat(run("--iterations", "0")).isEqualTo(2);
    assertThat(run("--draws", "many")).isEqualTo(2);
  }

  @Test
  void anotherFolderThanTheCheckoutIsNamed() {
    assertThat(run()).isEqualTo(1);
    assertThat(err.toString())
        .startsWith("mesh: ")
        .contains("java-tiny: no such folder (run from the checkout")
        .hasLineCount(1);
  }

  @Test
  void aFolderInPlaceOfTheJsonFileIsRefusedBeforeMinutesAreSpent() throws IOException {
    Path folder = Files.createDirectories(home.resolve("out"));
    assertThat(run("--json", folder.toString())).isEqualTo(1);
    assertThat(err.toString()).contains("out: is a folder (expected: a file to write)");
  }

  private int run(String... arguments) {
    CommandLine line = new CommandLine(new DemoCommand(home, false));
    line.setOut(new PrintWriter(out, true));
    line.setErr(new PrintWriter(err, true));
    return line.execute(arguments);
  }
}
