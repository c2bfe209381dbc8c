package io.ballast.standalone.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;

/** The commands as a whole: each has help, and the script names them all. */
class MeshCommandTest {
  /** What the script does before there is any Java. */
  private static final Set<String> OF_THE_SCRIPT = Set.of("test", "check", "fmt", "build", "image");

  private static CommandLine commands(String... args) {
    PrintWriter nowhere = new PrintWriter(PrintWriter.nullWriter());
    return MeshCommand.commandLine(
        new CommandContext(Path.of("."), Map.of(), () -> 0L, () -> "id", () -> false),
        nowhere,
        nowhere,
        args);
  }

  @Test
  void onlyTheCommandThatIsNamedIsMade() {
    Set<String> all = commands().getSubcommands().keySet();

    assertThat(commands("runs", "list").getSubcommands().keySet()).containsExactly("runs");
    assertThat(commands("completion").getSubcommands().keySet()).isEqualTo(all);
    assertThat(commands("--help").getSubcommands().keySet()).isEqualTo(all);
    assertThat(Cli.run(Path.of("."), Map.of(), "run-all").err())
        .as("what is none, beside those that there are")
        .contains("run-all", "run");
  }

  @Test
  void everyCommandHasHelpThatSaysWhatItDoes() {
    for (List<String> path : paths(commands().getCommandSpec(), List.of())) {
      List<String> args = new ArrayList<>(path);
      args.add("--help");
      Cli.Result result = Cli.run(Path.of("."), Map.of(), args.toArray(String[]::new));

      assertThat(result.exit()).as(String.join(" ", args)).isZero();
      assertThat(result.err()).isEmpty();
      assertThat(result.out()).startsWith("Usage: mesh " + String.join(" ", path));
      assertThat(result.out().lines().filter(line -> !line.startsWith(" ")).count())
          .as("a description of " + String.join(" ", path))
          .isGreaterThanOrEqualTo(2);
    }
  }

  private static List<List<String>> paths(CommandSpec spec, List<String> above) {
    List<List<String>> paths = new ArrayList<>();
    spec.subcommands()
        .forEach(
            (name, line) -> {
              List<String> path = new ArrayList<>(above);
              path.add(name);
              paths.add(path);
              paths.addAll(paths(line.getCommandSpec(), path));
            });
    return paths;
  }

  @Test
  void theScriptsHelpNamesExactlyTheseCommands() throws IOException {
    String script =
        Files.readString(Path.of("..", "mesh").toAbsolutePath(), StandardCharsets.UTF_8);
    String help = script.substring(script.indexOf("<<'HELP'"), script.indexOf("\nHELP\n"));
    Set<String> named =
        help.lines()
            .filter(line -> line.matches("  [a-z]+ {2,}.*"))
            .map(line -> line.strip().split(" ")[0])
            .collect(Collectors.toCollection(TreeSet::new));

    Set<String> there = new TreeSet<>(commands().getSubcommands().keySet());
    there.addAll(OF_THE_SCRIPT);
    assertThat(named).isEqualTo(there);
  }

  @Test
  void theCompletionKnowsCommandsAndTheirOptions() {
    Cli.Result result = Cli.run(Path.of("."), Map.of(), "completion");

    assertThat(result.exit()).isZero();
    assertThat(result.out())
        .contains("complete -F _complete_mesh")
        .contains("--candidates")
        .contains("rollback")
        .contains("check");
  }

  @Test
  void withoutACommandTheHelpGoesToTheErrors() {
    Cli.Result result = Cli.run(Path.of("."), Map.of());

    assertThat(result.exit()).isEqualTo(2);
    assertThat(result.err()).contains("Usage: mesh").contains("suggest");
  }
}
