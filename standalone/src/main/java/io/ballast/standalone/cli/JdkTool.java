package io.ballast.standalone.cli;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;

/** Tools of the JDK that runs this. */
final class JdkTool {
  /** How long one may take. */
  static final Duration PATIENCE = Duration.ofMinutes(1);

  private JdkTool() {}

  /**
   * What a tool says.
   *
   * @throws CommandFailure with its first line if it ends with another code than 0
   */
  static String run(String name, List<String> arguments) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", name).toString());
    command.addAll(arguments);
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    process.getOutputStream().close();
    var unused =
        process
            .onExit()
            .orTimeout(PATIENCE.toSeconds(), TimeUnit.SECONDS)
            .exceptionally(late -> process.destroyForcibly());
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    if (process.waitFor() != 0) {
      throw new CommandFailure(
          Exit.FAILED,
          "NOT_RECORDED",
          name + ": " + said.lines().findFirst().orElse("ended without a word"));
    }
    return said;
  }

  /** What {@code jcmd} says to a process, without the line that names the process. */
  static String command(long pid, String... words) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of(Long.toString(pid)));
    command.addAll(List.of(words));
    return run("jcmd", command).lines().skip(1).collect(Collectors.joining("\n"));
  }
}
