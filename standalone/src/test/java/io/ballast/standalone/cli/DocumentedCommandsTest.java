package io.ballast.standalone.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;

/** The command line takes every {@code ./mesh} command that a README or a page of docs/ shows. */
class DocumentedCommandsTest {
  private static final Path ROOT = Path.of("..");
  private static final Path RUNBOOKS = ROOT.resolve("docs").resolve("operations/runbooks");
  private static final Pattern COMMAND = Pattern.compile("^(?: {4})?\\./mesh (.*)$");
  private static final Pattern WITHIN_A_LINE = Pattern.compile("`\\./mesh ([^`]*)`");
  private static final Pattern NEXT_COMMAND =
      Pattern.compile("(?: {4})?(?:\\./mesh|curl|grpcurl|for|tail) .*");
  private static final Pattern WORD = Pattern.compile("'([^']*)'|\"([^\"]*)\"|(\\S+)");

  /** Of the script itself, not of the command line in Java. */
  private static final Set<String> OF_THE_SCRIPT = Set.of("build", "check", "test", "fmt", "image");

  /** Commands with subcommands that do something without one. */
  private static final Set<String> DO_SOMETHING_ALONE = Set.of("capacity", "cost", "doctor");

  @Test
  void everyCommandIsOneThatTheCommandLineTakes() throws IOException {
    List<List<String>> commands = new ArrayList<>();
    for (Path page : pages()) {
      for (String line : Files.readAllLines(page)) {
        List<String> words = words(line);
        if (!words.isEmpty() && !OF_THE_SCRIPT.contains(words.getFirst())) {
          commands.add(words);
        }
      }
    }

    assertThat(commands).hasSizeGreaterThan(20);
    assertThat(commands).allSatisfy(DocumentedCommandsTest::assertTaken);
  }

  /** Elsewhere what stands within a line may be a part of a command; there it is to be typed. */
  @Test
  void soIsWhatStandsWithinTheLinesOfRunbooks() throws IOException {
    List<List<String>> commands = new ArrayList<>();
    for (Path page : pages()) {
      if (page.startsWith(RUNBOOKS)) {
        WITHIN_A_LINE
            .matcher(Files.readString(page))
            .results()
            .map(command -> wordsOf(command.group(1)))
            .filter(words -> !OF_THE_SCRIPT.contains(words.getFirst()))
            .forEach(commands::add);
      }
    }

    assertThat(commands).hasSizeGreaterThan(20);
    assertThat(commands).allSatisfy(DocumentedCommandsTest::assertTaken);
  }

  /** Without --detach it stays in the foreground, and what follows is never typed. */
  @Test
  void whatStartsAMeshBeforeOtherCommandsLeavesTheTerminal() throws IOException {
    List<String> started = new ArrayList<>();
    for (Path page : pages()) {
      List<String> lines = Files.readAllLines(page);
      for (int i = 0; i + 1 < lines.size(); i++) {
        List<String> words = words(lines.get(i));
        if (words.stream().limit(1).anyMatch("up"::equals)
            && NEXT_COMMAND.matcher(lines.get(i + 1)).matches()) {
          assertThat(words).as("%s, line %d", page, i + 1).contains("--detach");
          started.add(page.toString());
        }
      }
    }

    assertThat(started).hasSizeGreaterThan(8);
  }

  private static void assertTaken(List<String> words) {
    CommandContext context = new CommandContext(ROOT, Map.of(), () -> 0L, () -> "id", () -> false);
    PrintWriter nowhere = new PrintWriter(Writer.nullWriter());
    String[] args = words.toArray(String[]::new);
    CommandLine line = MeshCommand.commandLine(context, nowhere, nowhere, args);
    assertThatCode(() -> requireWhole(line.parseArgs(args)))
        .as(String.join(" ", words))
        .doesNotThrowAnyException();
  }

  /** A command that has subcommands does nothing without one, but for cost and doctor. */
  private static void requireWhole(CommandLine.ParseResult parsed) {
    CommandLine last = parsed.asCommandLineList().getLast();
    if (!last.getSubcommands().isEmpty() && !DO_SOMETHING_ALONE.contains(last.getCommandName())) {
      throw new CommandLine.ParameterException(last, "a subcommand is missing");
    }
  }

  /** The words of a command, up to a comment; none if the line is no command. */
  private static List<String> words(String line) {
    return COMMAND
        .matcher(line)
        .results()
        .flatMap(command -> wordsOf(command.group(1)).stream())
        .toList();
  }

  private static List<String> wordsOf(String command) {
    return WORD.matcher(command)
        .results()
        .map(DocumentedCommandsTest::unquoted)
        .takeWhile(word -> !Set.of("#", "||", "|", "&&", ">").contains(word))
        .toList();
  }

  private static String unquoted(MatchResult word) {
    return Stream.of(1, 2, 3)
        .map(word::group)
        .filter(group -> group != null)
        .findFirst()
        .orElseThrow();
  }

  private static List<Path> pages() throws IOException {
    List<Path> pages = new ArrayList<>();
    try (Stream<Path> modules = Files.list(ROOT);
        Stream<Path> docs = Files.walk(ROOT.resolve("docs"))) {
      modules.map(folder -> folder.resolve("README.md")).filter(Files::exists).forEach(pages::add);
      docs.filter(page -> page.toString().endsWith(".md")).forEach(pages::add);
    }
    pages.add(ROOT.resolve("README.md"));
    return pages;
  }
}
