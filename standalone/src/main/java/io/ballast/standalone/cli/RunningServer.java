package io.ballast.standalone.cli;

import io.ballast.kit.file.OwnerOnly;
import io.ballast.standalone.process.ServerPlan.Server;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A process of the mesh, started; its output goes to its log. */
final class RunningServer {
  /** What a process says once it answers; the rest of the line says where. */
  static final String READY = "mesh ready:";

  private static final String STARTING = "mesh starting: ";

  private static final Pattern STOPPING =
      Pattern.compile("mesh stopping: calls under way: (\\d+), drain (PT\\S+)");

  private static final String ERROR = "mesh: ";

  /** The one process of a mesh that is not split: what it says needs no name. */
  private static final String WHOLE_MESH = "mesh";

  private static final int SHOWN_LINES = 8;

  /** Logs of processes before: of one server's restarts, and of the start by hand after them. */
  private static final int KEPT = Restarts.MOST + 1;

  private final Server server;
  private final Process process;
  private int stepsTold;

  private RunningServer(Server server, Process process) {
    this.server = server;
    this.process = process;
  }

  /**
   * Starts a process. What those before it said last, such as why they ended, stays beside the log,
   * in files whose names end in {@code .1}, the latest, to {@code .6}: also the first of those that
   * ended until nobody started them again.
   *
   * @param detached whether it shall outlive the terminal
   */
  static RunningServer start(Server server, boolean detached) throws IOException {
    server.createFolders();
    for (int age = KEPT; age > 0; age--) {
      Path younger = before(server.log(), age - 1);
      if (Files.exists(younger)) {
        Files.move(younger, before(server.log(), age), StandardCopyOption.REPLACE_EXISTING);
      }
    }
    OwnerOnly.createFile(server.log());
    List<String> command = new ArrayList<>();
    if (detached) {
      command.add("nohup");
    }
    command.addAll(server.command());
    File log = server.log().toFile();
    Process process =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectInput(new File("/dev/null"))
            .redirectOutput(log)
            .start();
    return new RunningServer(server, process);
  }

  /** The log of the process so many before the one that runs. */
  private static Path before(Path log, int age) {
    return age == 0 ? log : log.resolveSibling(log.getFileName() + "." + age);
  }

  /** What it is. */
  Server server() {
    return server;
  }

  /** The process. */
  Process process() {
    return process;
  }

  /** Whether it answers. */
  boolean isReady() {
    return lines().stream().anyMatch(line -> line.startsWith(READY));
  }

  /** What it has begun to start since this was last asked. */
  List<String> newSteps() {
    List<String> steps =
        lines().stream()
            .filter(line -> line.startsWith(STARTING))
            .map(line -> line.substring(STARTING.length()))
            .toList();
    List<String> added = steps.subList(Math.min(stepsTold, steps.size()), steps.size());
    stepsTold = steps.size();
    return added;
  }

  /** What a process that was told to stop still has to do. */
  record Stopping(int callsUnderWay, Duration drain) {
    /** For people. */
    String text() {
      return switch (callsUnderWay) {
        case 0 -> "no calls under way";
        case 1 -> "1 call under way, at most " + DurationText.of(drain.toMillis() / 1e3);
        default ->
            callsUnderWay + " calls under way, at most " + DurationText.of(drain.toMillis() / 1e3);
      };
    }
  }

  /** What it says of its stop; empty before it says so, and if it never answered. */
  Optional<Stopping> stopping() {
    return lines().stream()
        .map(STOPPING::matcher)
        .filter(Matcher::matches)
        .map(said -> new Stopping(Integer.parseInt(said.group(1)), Duration.parse(said.group(2))))
        .findFirst();
  }

  /** Why it ended before it answered: its own line, or the last ones of its log. */
  CommandFailure failure() {
    Optional<String> said =
        lines().stream().filter(line -> line.startsWith(ERROR)).reduce((a, b) -> b);
    return new CommandFailure(
        Exit.FAILED,
        "START_FAILED",
        said.map(line -> line.substring(ERROR.length()))
            .map(line -> server.name().equals(WHOLE_MESH) ? line : server.name() + ": " + line)
            .orElseGet(
                () ->
                    server.name()
                        + " ended with exit code "
                        + exitCode()
                        + "; its log, "
                        + server.log()
                        + ", ends:\n"
                        + String.join("\n", lastLines())));
  }

  private String exitCode() {
    return process.isAlive() ? "none" : Integer.toString(process.exitValue());
  }

  private List<String> lastLines() {
    List<String> lines = lines();
    return lines.subList(Math.max(0, lines.size() - SHOWN_LINES), lines.size());
  }

  private List<String> lines() {
    try {
      return new String(Files.readAllBytes(server.log()), StandardCharsets.UTF_8).lines().toList();
    } catch (IOException e) {
      return List.of(); // not written yet
    }
  }

  /** Asks it to drain and stop; kills it if it has not after {@code seconds}. */
  void stop(long seconds) {
    process.destroy();
    try {
      if (!process.waitFor(seconds, TimeUnit.SECONDS)) {
        process.destroyForcibly();
      }
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
    }
  }
}
