package io.ballast.standalone.cli;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** Fetches the sources that the default models are made from, through Maven. */
@Command(
    name = "fetch",
    mixinStandardHelpOptions = true,
    description = {
      "Fetches the Apache-2.0 sources that the default models are made from, through Maven, into"
          + " workshop/target/corpus. Nothing of them is committed."
    })
final class FetchCorpusCommand implements Callable<Integer> {
  @Mixin private Printing printing = new Printing();

  private final CommandContext context;

  FetchCorpusCommand(CommandContext context) {
    this.context = context;
  }

  @Override
  public Integer call() throws IOException, InterruptedException {
    Path pom = context.home().resolve("workshop").resolve("corpus-pom.xml");
    Process process =
        new ProcessBuilder(maven(), "-q", "-B", "-f", pom.toString(), "generate-resources")
            .directory(context.home().toFile())
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.PIPE)
            .start();
    List<String> said;
    try (Stream<String> lines = process.inputReader().lines()) {
      said = lines.toList();
    }
    if (process.waitFor() != 0) {
      throw new CommandFailure(
          Exit.FAILED,
          "FETCH_FAILED",
          "the corpus could not be fetched: "
              + said.stream()
                  .filter(line -> line.contains("[ERROR]"))
                  .findFirst()
                  .orElse("see mvn -f workshop/corpus-pom.xml generate-resources")
                  .strip());
    }
    Path corpus = context.home().resolve("workshop/target/corpus");
    try (Stream<Path> files = Files.walk(corpus)) {
      printing.line(files.filter(Files::isRegularFile).count() + " artefacts in " + corpus);
    }
    return Exit.OK.code();
  }

  private String maven() {
    String given = context.environment().get("MAVEN");
    if (given != null) {
      return given;
    }
    return Stream.of(context.environment().getOrDefault("PATH", "").split(File.pathSeparator))
        .map(folder -> Path.of(folder, "mvn"))
        .filter(Files::isExecutable)
        .map(Path::toString)
        .findFirst()
        .orElseThrow(
            () ->
                new CommandFailure(
                    Exit.FAILED,
                    "NO_MAVEN",
                    "no Maven found; install it (apt install maven), or set MAVEN to an mvn"));
  }
}
