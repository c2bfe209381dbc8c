package io.ballast.loadtest.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** What {@code bench} says and how it ends. */
class BenchCommandTest {
  @TempDir private Path folder = Path.of("");

  @Test
  void helpNamesEveryPart() {
    String help = new CommandLine(new BenchCommand()).getUsageMessage();
    for (BenchPart part : BenchPart.values()) {
      assertThat(help).containsPattern("\\b" + part.name() + "\\b");
    }
  }

  @Test
  void aPeerThatIsNotInstalledIsAFigureThatCouldNotBeMeasured() throws IOException {
    Path tiny = TinyModel.write(folder.resolve("java-tiny").resolve("1"));
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    int code =
        new CommandLine(new BenchCommand())
            .setOut(new PrintWriter(out))
            .setErr(new PrintWriter(err))
            .execute(
                "inference",
                "--only",
                "PEERS",
                "--models",
                folder.toString(),
                "--model",
                tiny.toString(),
                "--python",
                "no-such-python",
                "--json",
                folder.resolve("figures.json").toString());

    assertThat(code).isEqualTo(1);
    assertThat(err.toString()).contains("mesh: transformers is left out: no-such-python or ");
    assertThat(out.toString().lines().filter(line -> line.endsWith("NOT MEASURED"))).hasSize(4);
    assertThat(folder.resolve("figures.json"))
        .content()
        .contains("135M: 8 rows, beside transformers", "\"value\" : null");
  }
}
